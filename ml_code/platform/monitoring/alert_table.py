"""The table `monitoring_alerts`: reading what was before a day, and writing a day's alerts in one commit."""

import datetime
from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING

from ml_code.platform import tables
from ml_code.platform.monitoring import commits, retrying, schema
from ml_code.platform.monitoring.alerts import Alert
from ml_code.platform.monitoring.windows import Window, as_utc

if TYPE_CHECKING:
    from ml_code.context import Context

TABLE = "monitoring_alerts"


def read_before(context: "Context", since: datetime.date) -> list[Alert]:
    """Alerts of the days from `since` to the one before the logical day, oldest first."""
    name = context.table(TABLE)
    if not tables.exists(context.spark, name):
        return []
    rows = context.spark.table(name).where(f"date >= date'{since}' AND date < date'{context.date}'")
    names = [field.name for field in fields(Alert)]
    found = tables.to_arrow(rows.select(*names)).to_pylist()
    alerts = [Alert(**{**row, "window": _window(row["window"])}) for row in found]
    return sorted(alerts, key=lambda alert: alert.date)


def write(context: "Context", alerts: Sequence[Alert]) -> None:
    """Replace the logical day's alerts by these."""
    name = context.table(TABLE)
    commits.create(context.spark, name, schema.ALERTS, schema.ALERTS_COMMENT)
    rows = [{**vars(alert), "window": alert.window.row() if alert.window else None} for alert in alerts]
    retrying.replace(context.spark, name, schema.ALERTS, rows, f"date = date'{context.date}'")


def _window(row: dict[str, datetime.datetime] | None) -> Window | None:
    return Window(as_utc(row["start"]), as_utc(row["end"])) if row and row["start"] else None
