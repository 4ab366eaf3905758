"""Feature columns: declared in tables, computed in blocks, each computable alone."""
