"""The models room: registered models, of Unity Catalog and of the workspace, on MLflow's registry."""
