"""The fleet: its grid of variants, its presets, and the results that manifests hold."""
