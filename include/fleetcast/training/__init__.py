"""Training: each variant in a process of its own, sharing one binned Dataset a group."""
