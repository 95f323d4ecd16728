# What everything.tf (tests/infra/workspace/terraform) leaves out; recorded as the scenario "more".
variable "v" {
  type    = number
  default = 1
}
variable "git_token" {
  type      = string
  sensitive = true
}
resource "databricks_git_credential" "azure" {
  git_provider          = "azureDevOpsServices"
  git_username          = "anna-${var.v}"
  personal_access_token = var.git_token
}
resource "databricks_group" "team" {
  display_name = "contract-team"
  lifecycle {
    ignore_changes = [workspace_access, databricks_sql_access] # the entitlements below are the ones that count
  }
}
resource "databricks_entitlements" "team" {
  group_id              = databricks_group.team.id
  workspace_access      = true
  databricks_sql_access = var.v > 1
}
resource "databricks_notification_destination" "mail" {
  display_name = "contract ${var.v}"
  config {
    email {
      addresses = ["contract@example.com"]
    }
  }
}
resource "databricks_sql_endpoint" "small" {
  name             = "contract"
  cluster_size     = "2X-Small"
  max_num_clusters = var.v
}
resource "databricks_catalog" "catalog" {
  name          = "contract"
  force_destroy = true
}
resource "databricks_schema" "schema" {
  catalog_name = databricks_catalog.catalog.name
  name         = "hrob"
}
resource "databricks_volume" "landing" {
  catalog_name = databricks_catalog.catalog.name
  schema_name  = databricks_schema.schema.name
  name         = "landing"
  volume_type  = "MANAGED"
}
resource "databricks_file" "note" {
  path           = "${databricks_volume.landing.volume_path}/note.txt"
  content_base64 = base64encode("note ${var.v}")
}
resource "databricks_sql_table" "births" {
  catalog_name       = databricks_catalog.catalog.name
  schema_name        = databricks_schema.schema.name
  name               = "births"
  table_type         = "MANAGED"
  data_source_format = "DELTA"
  warehouse_id       = databricks_sql_endpoint.small.id
  comment            = "births"
  column {
    name    = "id"
    type    = "bigint"
    comment = "the birth"
  }
}
resource "databricks_mlflow_model" "legacy" {
  name        = "contract"
  description = "version ${var.v}"
}
data "databricks_current_user" "me" {}
data "databricks_current_metastore" "here" {}
data "databricks_schemas" "all" {
  catalog_name = databricks_schema.schema.catalog_name
}
data "databricks_tables" "all" {
  catalog_name = databricks_sql_table.births.catalog_name
  schema_name  = databricks_sql_table.births.schema_name
}
data "databricks_volumes" "all" {
  catalog_name = databricks_volume.landing.catalog_name
  schema_name  = databricks_volume.landing.schema_name
}
data "databricks_group" "team" {
  display_name = databricks_group.team.display_name
}
data "databricks_sql_warehouses" "all" {
  depends_on = [databricks_sql_endpoint.small]
}
data "databricks_node_type" "smallest" {}
data "databricks_spark_version" "ml" {
  ml                = true
  long_term_support = true
}
