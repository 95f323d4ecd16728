"""The one SQLite database of a workspace."""
