"""The registry of models: a version for each production model, and who challenges whom."""
