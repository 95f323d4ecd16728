"""Step hrob.collect: the inference log up to date: online predictions, late labels, what is past its time deleted.

Twice is once: a second run writes nothing. Each part is complete in itself, so a run that was killed is done again.
"""

import datetime
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

from ml_code.platform import tables
from ml_code.platform.errors import StepError
from ml_code.platform.monitoring import labels as late_labels
from ml_code.platform.monitoring.inference_log import Layout
from ml_code.platform.monitoring.labels import Labelled, join_labels
from ml_code.platform.monitoring.payload import SERVED_ENTITIES, Online, OnlineSource, log_online
from ml_code.platform.privacy.history import vacuum
from ml_code.platform.privacy.retention import forget_before
from ml_code.projects.hrob.configuration import Scoring, read_project
from ml_code.projects.hrob.monitored import ATTRIBUTIONS, LOG, ensure_table, layout_of
from ml_code.projects.hrob.schema import KEY, LABEL, OUTCOME_DAY

if TYPE_CHECKING:
    from pyspark.sql import Column

    from ml_code.context import Context

_NOTHING_ONLINE = Online(0, {}, ())


@dataclass(frozen=True)
class Collected:
    """What the step did: online predictions, labels, and rows deleted by table."""

    online: Online
    labels: Labelled
    deleted: dict[str, int]


def run(context: "Context", *, horizon_days: int, retention_days: int, payload_table: str = "", **_: Any) -> Collected:
    """Online predictions first, so that their labels join in the same run; then labels; then retention."""
    if horizon_days < 0 or retention_days < 1:
        raise StepError(
            f"--horizon_days {horizon_days}, --retention_days {retention_days}: expected at least 0 and at least 1"
        )
    project = read_project(context.root, context.environment)
    layout = layout_of(context, project)
    log, attributions = (ensure_table(context, project, name) for name in (LOG, ATTRIBUTIONS))
    first = context.date - datetime.timedelta(days=retention_days - 1)
    online = _NOTHING_ONLINE
    if payload_table:
        source = OnlineSource(payload_table, SERVED_ENTITIES, first, context.date)
        online = _online(context, log, source, project.parameters.scoring, layout)
    labelled = _labels(context, log, layout, horizon_days)
    deleted = _forget(
        context, {log: "timestamp", attributions: "timestamp", context.table("predictions"): "date"}, first
    )
    return Collected(online, labelled, deleted)


def _online(context: "Context", log: str, source: OnlineSource, scoring: Scoring, layout: Layout) -> Online:
    name = context.table("features")
    if not tables.exists(context.spark, name):
        raise StepError(f"there is no table {name}: run hrob.ingest and hrob.features first")
    features = layout.of_features(context.spark.table(name))
    found = log_online(context.spark, log, source, features, _band(scoring), layout)
    context.say(f"{found.written} online predictions of {source.table} new in {log}")
    for reason, count in found.left_out.items():
        context.say(f"left out of those days: {count} requests, {reason}")
    for entity in found.unknown_entities:
        context.say(
            f"{source.served_entities} cannot be read or does not tell the version of {entity}: the log has the id "
            "of the served entity as the version"
        )
    return found


def _labels(context: "Context", log: str, layout: Layout, horizon_days: int) -> Labelled:
    from pyspark.sql import functions as F  # noqa: N812  # Spark's own convention

    name = context.table("labels")
    if not tables.exists(context.spark, name):
        context.say(f"there is no table {name} yet: no labels to join")
        return Labelled(0, 0, 0, 0)
    # Identifiers as the log keeps them, so that hashed ones meet.
    outcomes = layout.protect(context.spark.table(name).select(KEY, OUTCOME_DAY, LABEL))
    labels = outcomes.select(
        F.col(KEY).alias(late_labels.KEY),
        F.col(OUTCOME_DAY).alias(late_labels.DAY),
        F.col(LABEL).alias(late_labels.LABEL),
    )
    found = join_labels(context.spark, log, KEY, labels, context.date, horizon_days)
    context.say(
        f"labels known by {context.date}: {found.new} predictions labelled, {found.corrected} corrected in {log}"
    )
    context.say(
        f"left out: {found.unknown} members with a label and no prediction, {found.late} labels of later than "
        f"{horizon_days} days after the prediction"
    )
    return found


def _forget(context: "Context", columns: dict[str, str], first: datetime.date) -> dict[str, int]:
    deleted = forget_before(context.spark, columns, first)
    for name, rows in deleted.items():
        if rows:
            context.say(f"{rows} rows of before {first} deleted from {name}")
    context.say(vacuum(context.spark, list(deleted), context.date))
    return deleted


def _band(scoring: Scoring) -> "Column":
    """The band of a risk: the first whose start it reaches."""
    from pyspark.sql import functions as F  # noqa: N812  # Spark's own convention

    lowest, *higher = reversed(scoring.bands)
    return reduce(
        lambda below, band: F.when(F.col("risk") >= F.lit(band.starts), F.lit(band.name)).otherwise(below),
        higher,
        F.lit(lowest.name),
    )
