"""Models that move between workspaces: whole, verified, once."""
