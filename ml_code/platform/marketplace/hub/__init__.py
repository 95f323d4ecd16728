"""Exported versions become versions of the hub's registry."""
