variable "v" {
  type    = number
  default = 1
}
resource "databricks_service_principal" "deployer" {
  display_name     = "terraform-test-${var.v}"
  workspace_access = true
}
resource "databricks_service_principal_secret" "deployer" {
  service_principal_id = databricks_service_principal.deployer.id
}
resource "databricks_user" "anna" {
  user_name = "anna@terraform.test"
}
resource "databricks_group" "team" {
  display_name         = "terraform-test-team"
  allow_cluster_create = var.v > 1
}
resource "databricks_group_member" "deployer" {
  group_id  = databricks_group.team.id
  member_id = databricks_service_principal.deployer.id
}
resource "databricks_token" "mine" {
  comment          = "terraform test"
  lifetime_seconds = 600
}
resource "databricks_secret_scope" "scope" {
  name = "terraform-test"
}
resource "databricks_secret" "password" {
  scope        = databricks_secret_scope.scope.name
  key          = "password"
  string_value = "hush-${var.v}"
}
resource "databricks_secret_acl" "deployer" {
  scope      = databricks_secret_scope.scope.name
  principal  = databricks_service_principal.deployer.application_id
  permission = "READ"
}
resource "databricks_catalog" "catalog" {
  name          = "terraform_test"
  comment       = "version ${var.v}"
  force_destroy = true
}
resource "databricks_schema" "schema" {
  catalog_name = databricks_catalog.catalog.name
  name         = "hrob"
  comment      = var.v > 1 ? null : "to be taken away"
}
resource "databricks_volume" "landing" {
  catalog_name = databricks_catalog.catalog.name
  schema_name  = databricks_schema.schema.name
  name         = "landing"
  volume_type  = "MANAGED"
}
resource "databricks_registered_model" "risk" {
  catalog_name = databricks_catalog.catalog.name
  schema_name  = databricks_schema.schema.name
  name         = "risk"
  comment      = "version ${var.v}"
}
resource "databricks_grants" "catalog" {
  catalog = databricks_catalog.catalog.name
  grant {
    principal  = databricks_service_principal.deployer.application_id
    privileges = ["USE CATALOG", "CREATE_SCHEMA"]
  }
  grant {
    principal  = databricks_group.team.display_name
    privileges = var.v > 1 ? ["USE_CATALOG", "USE_SCHEMA"] : ["USE_CATALOG"]
  }
}
resource "databricks_grant" "schema" {
  schema     = databricks_schema.schema.id
  principal  = databricks_group.team.display_name
  privileges = ["USE_SCHEMA"]
}
resource "databricks_directory" "folder" {
  path             = "/Shared/terraform-test"
  delete_recursive = true
}
resource "databricks_workspace_file" "note" {
  path           = "${databricks_directory.folder.path}/note.txt"
  content_base64 = base64encode("note ${var.v}")
}
resource "databricks_notebook" "notebook" {
  path           = "${databricks_directory.folder.path}/notebook"
  language       = "PYTHON"
  content_base64 = base64encode("print(${var.v})")
}
resource "databricks_cluster_policy" "jobs" {
  name       = "terraform-test-jobs"
  definition = jsonencode({ num_workers = { type = "range", maxValue = 3 + var.v } })
}
resource "databricks_permissions" "policy" {
  cluster_policy_id = databricks_cluster_policy.jobs.id
  access_control {
    service_principal_name = databricks_service_principal.deployer.application_id
    permission_level       = "CAN_USE"
  }
  access_control {
    group_name       = databricks_group.team.display_name
    permission_level = "CAN_USE"
  }
}
resource "databricks_mlflow_experiment" "experiment" {
  name = "${databricks_directory.folder.path}/experiment"
}
resource "databricks_job" "training" {
  name = "terraform-test-training"
  tags = { version = tostring(var.v) }
  git_source {
    url      = "https://github.com/example/repo"
    provider = "gitHub"
    branch   = var.v > 1 ? "main" : "dev"
  }
  run_as {
    service_principal_name = databricks_service_principal.deployer.application_id
  }
  parameter {
    name    = "date"
    default = ""
  }
  job_cluster {
    job_cluster_key = "main"
    new_cluster {
      spark_version      = "15.4.x-scala2.12"
      node_type_id       = "Standard_D4ds_v5"
      num_workers        = 0
      data_security_mode = "SINGLE_USER"
      policy_id          = databricks_cluster_policy.jobs.id
    }
  }
  task {
    task_key        = "train"
    job_cluster_key = "main"
    spark_python_task {
      python_file = "ml_code/run.py"
      source      = "GIT"
      parameters  = ["hrob.train"]
    }
  }
  task {
    task_key        = "validate"
    job_cluster_key = "main"
    depends_on {
      task_key = "train"
    }
    spark_python_task {
      python_file = "ml_code/run.py"
      source      = "GIT"
      parameters  = ["hrob.validate"]
    }
  }
}
resource "databricks_permissions" "job" {
  job_id = databricks_job.training.id
  access_control {
    group_name       = databricks_group.team.display_name
    permission_level = "CAN_MANAGE_RUN"
  }
}
data "databricks_service_principal" "deployer" {
  display_name = databricks_service_principal.deployer.display_name
}
data "databricks_cluster_policy" "jobs" {
  name = databricks_cluster_policy.jobs.name
}
data "databricks_job" "training" {
  job_name = databricks_job.training.name
}
output "found" {
  value = {
    principal = data.databricks_service_principal.deployer.id == databricks_service_principal.deployer.id
    policy    = data.databricks_cluster_policy.jobs.id == databricks_cluster_policy.jobs.id
    job       = data.databricks_job.training.id == databricks_job.training.id
  }
}
