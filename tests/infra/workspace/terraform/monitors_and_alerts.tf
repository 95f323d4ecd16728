variable "v" {
  type    = string
  default = "1"
}

resource "databricks_sql_endpoint" "warehouse" {
  name         = "terraform-test-watching"
  cluster_size = "2X-Small"
}

resource "databricks_notification_destination" "hook" {
  display_name = "terraform-test hook ${var.v}"
  config {
    generic_webhook {
      url      = "https://example.com/hook"
      username = "branchline"
      password = "made up ${var.v}"
    }
  }
}

resource "databricks_notification_destination" "slack" {
  display_name = "terraform-test slack"
  config {
    slack {
      url = "https://hooks.example.com/${var.v}"
    }
  }
}

resource "databricks_quality_monitor" "log" {
  table_name         = "terraform_test_watching.hrob.inference_log"
  assets_dir         = "/Shared/terraform-test"
  output_schema_name = "terraform_test_watching.hrob"
  slicing_exprs      = ["mother_group"]
  inference_log {
    problem_type   = "PROBLEM_TYPE_CLASSIFICATION"
    timestamp_col  = "timestamp"
    granularities  = var.v == "1" ? ["1 day"] : ["1 day", "1 week"]
    prediction_col = "prediction"
    model_id_col   = "model_version"
  }
  dynamic "schedule" {
    for_each = var.v == "1" ? [1] : []
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

resource "databricks_lakehouse_monitor" "births" {
  table_name         = "terraform_test_watching.hrob.births"
  assets_dir         = "/Shared/terraform-test"
  output_schema_name = "terraform_test_watching.hrob"
  slicing_exprs      = var.v == "1" ? [] : ["age > 30"]
  snapshot {}
}

resource "databricks_alert_v2" "drift" {
  display_name       = "terraform-test drift"
  query_text         = "SELECT count(*) AS firing FROM terraform_test_watching.hrob.births"
  warehouse_id       = databricks_sql_endpoint.warehouse.id
  custom_summary     = "{{ALERT_NAME}}: {{ALERT_STATUS}}"
  custom_description = var.v == "1" ? "see {{ALERT_URL}}" : null
  evaluation = {
    source = {
      name        = "firing"
      aggregation = "MAX"
    }
    comparison_operator = "GREATER_THAN"
    threshold = {
      value = { double_value = var.v == "1" ? 0 : 1.5 }
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
    pause_status         = var.v == "1" ? "UNPAUSED" : "PAUSED"
  }
}

resource "databricks_alert_v2" "least" {
  display_name = "terraform-test least"
  query_text   = "SELECT 1 AS one"
  warehouse_id = databricks_sql_endpoint.warehouse.id
  evaluation = {
    source              = { name = "one" }
    comparison_operator = "IS_NULL"
  }
  schedule = {
    quartz_cron_schedule = "0 30 6 * * ?"
    timezone_id          = "UTC"
  }
}

resource "databricks_permissions" "drift" {
  alert_v2_id = databricks_alert_v2.drift.id
  access_control {
    group_name       = "users"
    permission_level = "CAN_READ"
  }
}
