"""The files room: the workspace tree, volumes and DBFS."""
