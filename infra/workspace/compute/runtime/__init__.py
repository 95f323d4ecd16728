"""What a task's own process sees: never imported by the workspace."""
