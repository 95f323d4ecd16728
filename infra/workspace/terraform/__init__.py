"""The workspace's Terraform provider: `databricks/databricks` over gRPC, served from the workspace's own process."""
