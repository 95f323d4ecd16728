"""Approved models in the workspaces that use them: brought, granted, taken back, and their use counted."""
