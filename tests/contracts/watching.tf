# Monitors, alerts and where they tell of themselves; recorded as the scenario "watching".
variable "v" {
  type    = number
  default = 1
}
resource "databricks_catalog" "c" {
  name          = "contract_watching"
  force_destroy = true
}
resource "databricks_schema" "s" {
  catalog_name = databricks_catalog.c.name
  name         = "hrob"
}
resource "databricks_sql_endpoint" "w" {
  name         = "contract-watching"
  cluster_size = "2X-Small"
}
resource "databricks_sql_table" "log" {
  catalog_name       = databricks_catalog.c.name
  schema_name        = databricks_schema.s.name
  name               = "inference_log"
  table_type         = "MANAGED"
  data_source_format = "DELTA"
  warehouse_id       = databricks_sql_endpoint.w.id
  column {
    name = "timestamp"
    type = "timestamp"
  }
  column {
    name = "model_version"
    type = "string"
  }
  column {
    name = "prediction"
    type = "double"
  }
  column {
    name = "label"
    type = "double"
  }
}
resource "databricks_sql_table" "other" {
  catalog_name       = databricks_catalog.c.name
  schema_name        = databricks_schema.s.name
  name               = "other"
  table_type         = "MANAGED"
  data_source_format = "DELTA"
  warehouse_id       = databricks_sql_endpoint.w.id
  column {
    name = "id"
    type = "bigint"
  }
}
resource "databricks_quality_monitor" "log" {
  table_name             = databricks_sql_table.log.id
  assets_dir             = "/Shared/contract"
  output_schema_name     = databricks_schema.s.id
  skip_builtin_dashboard = true
  slicing_exprs          = ["prediction > 0.5"]
  inference_log {
    problem_type   = "PROBLEM_TYPE_CLASSIFICATION"
    timestamp_col  = "timestamp"
    granularities  = var.v == 1 ? ["1 day"] : ["1 day", "1 week"]
    prediction_col = "prediction"
    model_id_col   = "model_version"
    label_col      = "label"
  }
  dynamic "schedule" {
    for_each = var.v == 2 ? [] : [1]
    content {
      quartz_cron_expression = "0 0 6 * * ?"
      timezone_id            = "Europe/Prague"
    }
  }
  notifications {
    on_failure {
      email_addresses = ["mlops@example.com"]
    }
  }
}
resource "databricks_lakehouse_monitor" "other" {
  table_name         = databricks_sql_table.other.id
  assets_dir         = "/Shared/contract"
  output_schema_name = databricks_schema.s.id
  snapshot {}
  slicing_exprs = var.v == 1 ? [] : ["id > 1"]
}
resource "databricks_notification_destination" "hook" {
  display_name = "contract hook ${var.v}"
  config {
    generic_webhook {
      url      = "https://example.com/hook"
      username = "u"
      password = "made up ${var.v}"
    }
  }
}
resource "databricks_notification_destination" "slack" {
  display_name = "contract slack"
  config {
    slack {
      url = "https://hooks.example.com/${var.v}"
    }
  }
}
resource "databricks_alert_v2" "full" {
  display_name       = "contract drift ${var.v}"
  query_text         = "SELECT count(*) AS firing FROM contract_watching.hrob.other"
  warehouse_id       = databricks_sql_endpoint.w.id
  custom_summary     = "{{ALERT_NAME}}: {{ALERT_STATUS}}"
  custom_description = var.v == 2 ? null : "see {{ALERT_URL}}"
  evaluation = {
    source = {
      name        = "firing"
      aggregation = "MAX"
    }
    comparison_operator = "GREATER_THAN"
    threshold = {
      value = { double_value = var.v == 1 ? 0 : 1.5 }
    }
    empty_result_state = "OK"
    notification = {
      notify_on_ok      = true
      retrigger_seconds = 86400
      subscriptions = [
        { user_email = "mlops@example.com" },
        { destination_id = databricks_notification_destination.hook.id },
      ]
    }
  }
  schedule = {
    quartz_cron_schedule = "0 30 6 * * ?"
    timezone_id          = "Europe/Prague"
    pause_status         = var.v == 2 ? "PAUSED" : "UNPAUSED"
  }
}
resource "databricks_alert_v2" "least" {
  display_name = "contract least"
  query_text   = "SELECT 1 AS one"
  warehouse_id = databricks_sql_endpoint.w.id
  evaluation = {
    source              = { name = "one" }
    comparison_operator = "IS_NULL"
  }
  schedule = {
    quartz_cron_schedule = "0 30 6 * * ?"
    timezone_id          = "UTC"
  }
}
resource "databricks_permissions" "alert" {
  alert_v2_id = databricks_alert_v2.full.id
  access_control {
    group_name       = "users"
    permission_level = "CAN_READ"
  }
}
