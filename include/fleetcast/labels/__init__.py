"""Labels: swings, the events they are, and what followed them."""
