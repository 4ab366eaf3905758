"""Tuning: search spaces, and studies that many workers share through one service in front of Postgres."""
