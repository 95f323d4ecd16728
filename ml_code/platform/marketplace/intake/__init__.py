"""Models from outside: asked for in a pull request, fetched by pinned revision, hostile until checked."""
