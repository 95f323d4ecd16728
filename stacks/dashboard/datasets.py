"""What the dashboard asks of the monitoring's tables: SQL that Databricks and the local workspace both know."""

from dataclasses import dataclass

from infra.settings.settings import Settings
from stacks.dashboard.widgets import Json

QUALITY = ("auc", "average_precision", "brier", "calibration_error", "log_loss")
FAIRNESS = ("demographic_parity_difference", "equal_opportunity_difference")
ATTRIBUTIONS = ("attribution_share", "attribution_drift", "attribution_shift")
SKEW = ("skew", "skew_missing")

_ENOUGH_ROWS = 30
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
    table = _Tables(settings)
    return [*_of_rules(table), *_of_data(table), *_of_the_model(table)]


class _Tables:
    """The quoted names of the tables, and the lengths of windows to look at."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        ordered = sorted(settings.values.monitoring.granularities, key=_LENGTHS.index)
        self.shortest, self.longest = ordered[0], ordered[-1]

    def __call__(self, name: str) -> str:
        return ".".join(f"`{part}`" for part in self._settings.table_full_name(name).split("."))


def _of_rules(table: _Tables) -> list[Dataset]:
    alerts, retrainings = table("monitoring_alerts"), table("retrainings")
    latest = f"FROM {alerts}\nWHERE date = (SELECT max(date) FROM {alerts})"  # noqa: S608  # names of the settings
    return [
        Dataset(
            "beyond",
            "Rules beyond their limit",
            f"SELECT count(DISTINCT rule) AS rules\n{latest} AND state IN ('firing', 'cooling')",
        ),
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
            "promoted",
            "Retrainings",
            "SELECT count(*) AS retrainings, count(CASE WHEN outcome = 'promoted' THEN 1 END) AS promoted\n"
            f"FROM {retrainings}",
        ),
        Dataset(
            "retrainings",
            "Retrainings",
            "SELECT date, retraining, outcome, version, champion, reason, detail\n"
            f"FROM {retrainings}\nORDER BY date DESC",
        ),
    ]


def _of_data(table: _Tables) -> list[Dataset]:
    profile = f"FROM {table('inference_log_profile_metrics')}\nWHERE log_type = 'INPUT' AND {_WHOLE}"
    inputs = f"{profile} AND granularity = '{table.shortest}'"
    # The drift of few rows is chance: such windows are not drawn.
    enough = f"{profile} AND column_name = ':table' AND granularity = '{table.longest}' AND count >= {_ENOUGH_ROWS}"
    drift = (
        f"FROM {table('inference_log_drift_metrics')}\n"
        f"WHERE drift_type = 'BASELINE' AND granularity = '{table.longest}' AND {_WHOLE}\n"
        f"AND window.start IN (SELECT window.start {enough})"
    )
    log = f"FROM {table('inference_log')}"
    return [
        Dataset("predictions", "Predictions", f"SELECT count(*) AS predictions, count(label) AS labels\n{log}"),
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
            f"{drift} AND population_stability_index IS NOT NULL\n"
            "AND column_name NOT IN ('risk', 'prediction', 'label', 'label_changes')\nORDER BY start",
        ),
        Dataset(
            "prediction_drift",
            "Drift of predictions",
            "SELECT window.start AS start, population_stability_index, ks_test.statistic AS ks_statistic\n"
            f"{drift} AND column_name = 'risk'\nORDER BY start",
        ),
    ]


def _of_the_model(table: _Tables) -> list[Dataset]:
    shown = {
        "quality": ("Quality", QUALITY),
        "fairness": ("Fairness", FAIRNESS),
        "attributions": ("Attributions", ATTRIBUTIONS),
        "skew": ("Online and offline", SKEW),
    }
    return [Dataset(name, title, _measures(table, metrics)) for name, (title, metrics) in shown.items()]


def _measures(table: _Tables, metrics: tuple[str, ...]) -> str:
    names = ", ".join(f"'{metric}'" for metric in metrics)
    return (
        "SELECT window.start AS start, metric, column_name, value,\n"
        "CASE WHEN column_name = ':table' THEN metric ELSE concat(column_name, ': ', metric) END AS series\n"
        f"FROM {table('inference_log_model_metrics')}\n"
        f"WHERE granularity = '{table.longest}' AND value IS NOT NULL AND {_WHOLE} AND metric IN ({names})\n"
        "ORDER BY start"
    )
