"""Bars: read, checked, aligned, and kept as immutable snapshots."""
