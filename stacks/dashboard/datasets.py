"""What the dashboard asks of the monitoring's tables: SQL that Databricks and the local workspace both know."""

from dataclasses import dataclass

from infra.settings.settings import Settings
from stacks.dashboard.widgets import Json

QUALITY = ("auc", "average_precision", "brier", "calibration_error", "log_loss")
FAIRNESS = ("demographic_parity_difference", "equal_opportunity_difference")

_LENGTHS = ("1 hour", "1 day", "1 week")
_WHOLE = "slice_key IS NULL AND model_version = '*'"


@dataclass(frozen=True)
class Dataset:
    """A query by its short name; widgets refer to the name."""

    name: str
    title: str
    sql: str

    def as_json(self) -> Json:
        """As the serialized dashboard holds it: one line of SQL a line."""
        return {
            "name": self.name,
            "displayName": self.title,
            "queryLines": [f"{line}\n" for line in self.sql.split("\n")],
        }


def datasets(settings: Settings) -> list[Dataset]:
    """All of them, for one environment or copy. Metrics are over its longest windows, counts over its shortest."""
    ordered = sorted(settings.values.monitoring.granularities, key=_LENGTHS.index)
    short, long = ordered[0], ordered[-1]
    log, profile, drift, model, alerts, retrainings = (
        ".".join(f"`{part}`" for part in settings.table_full_name(name).split("."))
        for name in (
            "inference_log",
            "inference_log_profile_metrics",
            "inference_log_drift_metrics",
            "inference_log_model_metrics",
            "monitoring_alerts",
            "retrainings",
        )
    )
    inputs = f"FROM {profile}\nWHERE log_type = 'INPUT' AND granularity = '{short}' AND {_WHOLE}"
    drifts = f"FROM {drift}\nWHERE drift_type = 'BASELINE' AND granularity = '{long}' AND {_WHOLE}"
    measured = f"FROM {model}\nWHERE granularity = '{long}' AND value IS NOT NULL"
    latest = f"FROM {alerts}\nWHERE date = (SELECT max(date) FROM {alerts})"  # noqa: S608  # names of the settings
    return [
        Dataset("predictions", "Predictions", f"SELECT count(*) AS predictions, count(label) AS labels\nFROM {log}"),
        Dataset("firing", "Rules that fire", f"SELECT count(DISTINCT rule) AS rules\n{latest} AND state = 'firing'"),
        Dataset(
            "promoted",
            "Retrainings",
            "SELECT count(*) AS retrainings, count(CASE WHEN outcome = 'promoted' THEN 1 END) AS promoted\n"
            f"FROM {retrainings}",
        ),
        Dataset(
            "rows",
            "Rows by window",
            f"SELECT window.start AS start, count\n{inputs} AND column_name = ':table'\nORDER BY start",
        ),
        Dataset(
            "nulls",
            "Missing values",
            f"SELECT window.start AS start, column_name, percent_null\n{inputs} AND percent_null > 0\nORDER BY start",
        ),
        Dataset(
            "feature_drift",
            "Drift of features",
            "SELECT window.start AS start, column_name, population_stability_index\n"
            f"{drifts} AND population_stability_index IS NOT NULL\n"
            "AND column_name NOT IN ('risk', 'prediction', 'label', 'label_changes')\nORDER BY start",
        ),
        Dataset(
            "prediction_drift",
            "Drift of predictions",
            "SELECT window.start AS start, population_stability_index, ks_test.statistic AS ks_statistic\n"
            f"{drifts} AND column_name = 'risk'\nORDER BY start",
        ),
        Dataset("quality", "Quality", _measures(measured, QUALITY)),
        Dataset("fairness", "Fairness", _measures(measured, FAIRNESS)),
        Dataset(
            "attributions",
            "Attributions",
            _measures(measured, ("attribution_share", "attribution_drift", "attribution_shift")),
        ),
        Dataset("skew", "Online and offline", _measures(measured, ("skew", "skew_missing"))),
        Dataset(
            "alerts",
            "Alert rules",
            "SELECT rule, state, action, column_name, slice_value, value, bound, since, reason\n"
            f"{latest}\nORDER BY CASE WHEN state = 'firing' THEN 0 WHEN state = 'cooling' THEN 1 ELSE 2 END, rule",
        ),
        Dataset(
            "alert_days",
            "Firing rules by day",
            "SELECT date, rule, count(*) AS columns_firing\n"
            f"FROM {alerts}\nWHERE state = 'firing'\nGROUP BY date, rule\nORDER BY date",
        ),
        Dataset(
            "retrainings",
            "Retrainings",
            "SELECT date, retraining, outcome, version, champion, reason, detail\n"
            f"FROM {retrainings}\nORDER BY date DESC",
        ),
    ]


def _measures(measured: str, metrics: tuple[str, ...]) -> str:
    names = ", ".join(f"'{metric}'" for metric in metrics)
    return (
        "SELECT window.start AS start, metric, column_name, value,\n"
        "CASE WHEN column_name = ':table' THEN metric ELSE concat(column_name, ': ', metric) END AS series\n"
        f"{measured} AND {_WHOLE} AND metric IN ({names})\nORDER BY start"
    )
