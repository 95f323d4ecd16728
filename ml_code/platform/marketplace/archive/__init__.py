"""The archive: one place in object storage that all workspaces share."""
