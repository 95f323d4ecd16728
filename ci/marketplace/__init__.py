"""The marketplace from a terminal and from a pipeline."""
