"""A workspace's models as MLflow has them: read for the export, written by the import."""
