"""The embedded local workspace: Databricks' REST API, Terraform provider and job clusters in one local process."""
