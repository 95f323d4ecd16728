# Lakeview dashboards; recorded as the scenario "dashboards".
variable "v" {
  type    = number
  default = 1
}
variable "file" {
  type        = string
  description = "a .lvdash.json file"
}
resource "databricks_sql_endpoint" "small" {
  name             = "contract-dashboards"
  cluster_size     = "2X-Small"
  max_num_clusters = 1
}
resource "databricks_dashboard" "text" {
  display_name         = "contract ${var.v}"
  parent_path          = "/Shared/contract/dashboards"
  warehouse_id         = databricks_sql_endpoint.small.id
  embed_credentials    = var.v == 1
  serialized_dashboard = jsonencode({ pages = [{ name = "first", displayName = "Page ${var.v}" }] })
}
resource "databricks_dashboard" "file" {
  display_name = "contract of a file"
  parent_path  = "/Workspace/Shared/contract/dashboards"
  warehouse_id = databricks_sql_endpoint.small.id
  file_path    = var.file
}
resource "databricks_permissions" "text" {
  dashboard_id = databricks_dashboard.text.id
  access_control {
    group_name       = "users"
    permission_level = var.v > 1 ? "CAN_RUN" : "CAN_READ"
  }
}
