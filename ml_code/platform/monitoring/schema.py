"""The tables of monitoring: the inference log's own columns, and the metric tables over it.

`PROFILE_METRICS` and `DRIFT_METRICS` have the columns of the tables that a Databricks quality monitor writes, so that
dashboards, alerts and rules read either. `MODEL_METRICS` holds what such a monitor does not compute.
"""

from ml_code.platform.tables import Column

WINDOW = "struct<start: timestamp, end: timestamp>"

LOG_COMMENT = "Predictions, batch and online, with the features that they were made from and the label once it is known"
LOG_HEAD = (
    Column("request_id", "string", "identifier of the prediction", required=True),
    Column("timestamp", "timestamp", "when the prediction was made, UTC", required=True),
    Column("source", "string", "batch or online", required=True),
    Column("model", "string", "name of the registered model", required=True),
    Column("model_version", "string", "its version", required=True),
)
LOG_TAIL = (
    Column("risk", "double", "predicted probability of the outcome"),
    Column("prediction", "int", "1: the risk reaches the decision limit of configs.yml"),
    Column("band", "string", "risk band of configs.yml"),
    Column("label", "int", "the outcome, once it is known"),
    Column("labelled_at", "timestamp", "when the label came, UTC"),
    Column("label_changes", "int", "how often a known label was corrected"),
    Column("run_id", "string", "job run that wrote the row"),
    Column("commit", "string", "git commit of the code that predicted"),
)
"""Between head and tail: the key, the attributes and one column a feature, which are the project's own."""

MODEL_METRICS_COMMENT = "Quality, calibration, fairness, attributions and online skew of the model by window and slice"
MODEL_METRICS = (
    Column("window", WINDOW, "the window, its end not included", required=True),
    Column("granularity", "string", "length of the window, such as 1 day", required=True),
    Column("model_version", "string", "version of the model; *: all", required=True),
    Column("slice_key", "string", "slicing expression; null: the whole table"),
    Column("slice_value", "string", "its value"),
    Column("metric", "string", "what was measured, such as average_precision", required=True),
    Column("column_name", "string", "feature or sensitive column; :table for the model", required=True),
    Column("value", "double", "the value; null: not defined on these rows"),
    Column("low", "double", "lower end of its interval, where there is one"),
    Column("high", "double", "upper end"),
    Column("baseline", "double", "the same on the baseline"),
    Column("count", "bigint", "rows behind it", required=True),
)

ALERTS_COMMENT = "State of each alert rule after each evaluation"
ALERTS = (
    Column("date", "date", "logical day of the evaluation", required=True),
    Column("rule", "string", "name of the rule in the settings", required=True),
    Column("slice_key", "string", "slicing expression; null: the whole table"),
    Column("slice_value", "string", "its value"),
    Column("column_name", "string", "column that the state is of; :table for the model", required=True),
    Column("metric", "string", "what the rule looks at", required=True),
    Column("state", "string", "ok, firing, cooling or no_data", required=True),
    Column("action", "string", "none, notify or retrain", required=True),
    Column("value", "double", "the latest window's value"),
    Column("bound", "double", "the limit that it is held against"),
    Column("breaches", "int", "windows beyond the limit among those looked at", required=True),
    Column("windows", "int", "windows looked at", required=True),
    Column("window", WINDOW, "the latest window"),
    Column("since", "date", "first day of the present episode; null when there is none"),
    Column("reason", "string", "the state in words", required=True),
    Column("run_id", "string", "job run that evaluated", required=True),
)

RETRAININGS_COMMENT = "Trainings that alert rules asked for, and what became of them"
RETRAININGS = (
    Column("retraining", "string", "identifier, also a tag of the version that it made", required=True),
    Column("date", "date", "logical day on which it was asked for", required=True),
    Column("rules", "array<string>", "rules that asked", required=True),
    Column("reason", "string", "why, in words", required=True),
    Column("champion", "string", "champion at the time"),
    Column("outcome", "string", "requested, promoted, refused, skipped, stopped or failed", required=True),
    Column("version", "string", "version that it made, if it made one"),
    Column("detail", "string", "the verdict in words"),
    Column("run_id", "string", "job run that asked", required=True),
)
