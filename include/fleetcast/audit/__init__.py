"""The leak audit: proof that no column, label or row of a run knows what it must not know."""
