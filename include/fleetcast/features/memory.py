"""How far back a column may look."""

MEMORY_BARS = 1_900  # what lies further back is forgotten: 2,000 bars, less those that a formula needs around it
