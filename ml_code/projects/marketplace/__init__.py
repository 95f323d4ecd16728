"""The jobs of the model marketplace: export in every workspace, import, approval and catalogue in the hub."""
