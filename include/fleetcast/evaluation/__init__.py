"""Judging: variants, family bests and the run's report."""
