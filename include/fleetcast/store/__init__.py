"""The object store: objects with atomic create-if-absent, and the manifests that make a stage's result count."""
