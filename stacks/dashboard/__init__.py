"""The monitoring dashboard as data, in Lakeview's serialized format."""
