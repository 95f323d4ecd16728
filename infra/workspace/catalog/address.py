"""Where Unity Catalog's REST is."""

PREFIX = "/api/2.1/unity-catalog"
