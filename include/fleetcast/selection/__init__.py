"""Selection of columns: screen by rules, then select by shallow models."""
