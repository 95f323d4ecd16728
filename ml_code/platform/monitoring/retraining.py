"""Trainings that alert rules asked for: the table `retrainings`, one row each, from the request to its outcome."""

import datetime
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from typing import TYPE_CHECKING, Literal, get_args

from ml_code.platform import tables
from ml_code.platform.errors import StepError
from ml_code.platform.monitoring import schema

if TYPE_CHECKING:
    from ml_code.context import Context

TABLE = "retrainings"
TAG = "retraining"
"""Tag of the model version that a retraining made."""

Outcome = Literal["requested", "promoted", "refused", "skipped", "stopped", "failed"]
REQUESTED: Outcome = "requested"


@dataclass(frozen=True)
class Retraining:
    """One row of the table, fields in its order."""

    retraining: str
    date: datetime.date
    rules: tuple[str, ...]
    reason: str
    champion: str | None
    outcome: Outcome
    version: str | None
    detail: str | None
    run_id: str

    @property
    def running(self) -> bool:
        """Whether its outcome is still open."""
        return self.outcome == REQUESTED

    def sentence(self) -> str:
        """What became of it, in words."""
        if self.running:
            return f"{self.retraining} is still running"
        made = f" (v{self.version})" if self.version else ""
        return f"{self.retraining} was {self.outcome}{made}" + (f": {self.detail}" if self.detail else "")


def identifier(day: datetime.date) -> str:
    """Identifier of the retraining that is asked for on a day; there is at most one a day."""
    return f"retraining-{day.isoformat()}"


def record_outcome(
    context: "Context", retraining_id: str, outcome: Outcome, version: str | int | None = None, detail: str = ""
) -> None:
    """Write what became of a retraining. Twice is once; nothing happens for an empty identifier.

    An identifier that no rule told is said, not refused: by then the training that it belongs to is done. Raises
    StepError for an outcome that does not exist.
    """
    if not retraining_id:
        return
    if outcome not in get_args(Outcome):
        raise StepError(f"retraining outcome {outcome!r}: expected one of {', '.join(get_args(Outcome))}")
    known = {row.retraining: row for row in read(context)}
    if retraining_id not in known:
        context.say(f"{context.table(TABLE)} has no retraining {retraining_id}: its outcome is not recorded")
        return
    made = None if version is None else str(version)
    write(context, [replace(known[retraining_id], outcome=outcome, version=made, detail=detail or None)])


def read(context: "Context", since: datetime.date | None = None) -> list[Retraining]:
    """The rows asked for from a day on (all without one), oldest first; none before the table is there."""
    from pyspark.sql import functions as F  # noqa: N812  # Spark's own convention

    name = context.table(TABLE)
    if not tables.exists(context.spark, name):
        return []
    rows = context.spark.table(name)
    if since is not None:
        rows = rows.where(F.col("date") >= F.lit(since).cast("date"))
    columns = [column.name for column in schema.RETRAININGS]
    found = [Retraining(*row) for row in rows.select(*columns).collect()]
    return sorted((replace(row, rules=tuple(row.rules)) for row in found), key=lambda row: row.date)


def write(context: "Context", rows: Sequence[Retraining]) -> None:
    """MERGE rows by their identifier."""
    if not rows:
        return
    name = context.table(TABLE)
    tables.create_table(context.spark, name, schema.RETRAININGS, schema.RETRAININGS_COMMENT)
    values = [astuple(replace(row, rules=list(row.rules))) for row in rows]  # type: ignore[arg-type]  # Spark's array is a list
    frame = context.spark.createDataFrame(values, tables.ddl(schema.RETRAININGS))
    tables.merge(context.spark, name, frame, ["retraining"])
