"""Checks of objectives, one per file; a check's id is its file's name, and its section in docs/feasibility.md."""
