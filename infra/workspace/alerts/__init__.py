"""SQL alerts (`alerts_v2`): queries on a schedule, a condition on their results, and who is told."""
