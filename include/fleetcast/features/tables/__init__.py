"""The declared tables: one module a group of recipes; a new column family is a new row."""
