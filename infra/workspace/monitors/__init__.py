"""Quality monitors of tables: their settings, and refreshes by a job that a tag names."""
