"""The tracking room: MLflow's own server, behind this workspace's access control."""
