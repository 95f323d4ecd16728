"""Compute: cluster policies, clusters, Sail engines and the processes that run tasks."""
