"""The selection ledger: what every trial showed, what luck alone would show as the best of so many, and who passes."""
