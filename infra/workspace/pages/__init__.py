"""The workspace's home pages, for people: jobs, runs, catalog, notifications."""
