"""What a report tells, read from the tables of monitoring and from the registry. Nothing is computed anew here."""

import datetime
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from ml_code.platform import tables
from ml_code.platform.registry.versions import CHAMPION, Versions

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from ml_code.context import Context

WEEK = "1 week"
_MOST_ROWS = 50_000


@dataclass(frozen=True)
class Champion:
    """A version that was made champion: what it was trained on and what it reached on held-out rows."""

    version: int
    date: str
    metric: str
    value: str
    interval: str
    rows: str
    source: str
    retraining: str
    commit: str
    present: bool


@dataclass(frozen=True)
class History:
    """The tables as frames, empty where a table has no rows or is not there."""

    environment: str
    model: str
    date: datetime.date
    champions: tuple[Champion, ...] = ()
    drift: pd.DataFrame = field(default_factory=pd.DataFrame)
    profile: pd.DataFrame = field(default_factory=pd.DataFrame)
    measures: pd.DataFrame = field(default_factory=pd.DataFrame)
    alerts: pd.DataFrame = field(default_factory=pd.DataFrame)
    retrainings: pd.DataFrame = field(default_factory=pd.DataFrame)
    baseline: pd.DataFrame = field(default_factory=pd.DataFrame)
    latest: pd.DataFrame = field(default_factory=pd.DataFrame)
    """Rows of the last complete week of the log."""
    labelled: pd.DataFrame = field(default_factory=pd.DataFrame)
    """Risk and label of the last eight weeks' rows whose label is known."""


def read_history(context: "Context", model: str, *, log: str) -> History:
    """Everything that is known up to the context's date; `log` is the inference log's name in the schema."""
    from pyspark.sql import functions as F  # noqa: N812  # Spark's own convention

    midnight = F.lit(f"{context.date + datetime.timedelta(days=1)} 00:00:00").cast("timestamp")
    complete = (F.col("window.end") <= midnight) & F.col("slice_key").isNull() & (F.col("model_version") == "*")
    return History(
        environment=context.environment,
        model=model,
        date=context.date,
        champions=_champions(model),
        drift=_metrics(context, f"{log}_drift_metrics", complete & (F.col("drift_type") == "BASELINE")),
        profile=_metrics(context, f"{log}_profile_metrics", complete),
        measures=_metrics(context, f"{log}_model_metrics", complete),
        alerts=_rows(context, "monitoring_alerts", F.col("date") <= F.lit(context.date).cast("date")),
        retrainings=_rows(context, "retrainings", F.col("date") <= F.lit(context.date).cast("date")),
        baseline=_rows(context, f"{log}_baseline", F.lit(True)),
        latest=_rows(context, log, _between(F, _last_week(context.date))),
        labelled=_rows(context, log, _between(F, _last_weeks(context.date, 8)) & F.col("label").isNotNull()),
    )


def _champions(model: str) -> tuple[Champion, ...]:
    versions = Versions(model)
    present = versions.by_alias(CHAMPION)
    promoted = [each for each in versions.all() if each.tags.get("verdict") == "promote"]
    return tuple(_champion(each, int(each.version) == present) for each in promoted)


def _champion(record: Any, present: bool) -> Champion:
    tags = record.tags
    return Champion(
        version=int(record.version),
        date=tags.get("date", ""),
        metric=tags.get("verdict_metric", ""),
        value=tags.get("verdict_value", ""),
        interval=tags.get("verdict_interval", "").replace(" ", " to "),
        rows=tags.get("data_rows", ""),
        source=tags.get("data_source", ""),
        retraining=tags.get("retraining", ""),
        commit=tags.get("git_commit", "")[:10],
        present=present,
    )


def _metrics(context: "Context", name: str, condition: Any) -> pd.DataFrame:
    rows = _rows(context, name, condition)
    if rows.empty:
        return rows
    start = [window["start"] for window in rows["window"]]
    return rows.assign(start=pd.to_datetime(pd.Series(start, index=rows.index), utc=True).dt.tz_localize(None))


def _rows(context: "Context", name: str, condition: Any) -> pd.DataFrame:
    full = context.table(name)
    if not tables.exists(context.spark, full):
        return pd.DataFrame()
    rows: DataFrame = context.spark.table(full).where(condition).limit(_MOST_ROWS)
    frame: pd.DataFrame = rows.toPandas()
    return frame


def _last_week(day: datetime.date) -> tuple[datetime.date, datetime.date]:
    """The last week from Monday to Sunday that is over by the end of the day."""
    after = day + datetime.timedelta(days=1)
    end = after - datetime.timedelta(days=after.weekday())
    return end - datetime.timedelta(days=7), end


def _last_weeks(day: datetime.date, weeks: int) -> tuple[datetime.date, datetime.date]:
    after = day + datetime.timedelta(days=1)
    return after - datetime.timedelta(weeks=weeks), after


def _between(functions: Any, days: tuple[datetime.date, datetime.date]) -> Any:
    first, end = (functions.lit(f"{day} 00:00:00").cast("timestamp") for day in days)
    return (functions.col("timestamp") >= first) & (functions.col("timestamp") < end)
