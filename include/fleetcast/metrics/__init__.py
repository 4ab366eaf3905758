"""Ranking metrics, their random baselines and their block-bootstrap distributions."""
