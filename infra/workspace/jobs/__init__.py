"""Jobs: definitions, schedules, runs."""
