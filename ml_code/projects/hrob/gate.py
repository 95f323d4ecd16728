"""Step hrob.gate: profile the training set and hold it against the last one. Sets the values `verdict`, `reasons`."""

from typing import TYPE_CHECKING, Any, Literal

from ml_code.platform import tables
from ml_code.platform.data_checks.columns import Prepared
from ml_code.platform.data_checks.comparison import (
    GateVerdict,
    Last,
    Shift,
    TrainingSet,
    decide,
    read_limits,
    shift,
)
from ml_code.platform.data_checks.profile import profile_table
from ml_code.platform.data_checks.sources import TableSource
from ml_code.platform.errors import StepError
from ml_code.platform.registry.last_training import LastTraining, last_training
from ml_code.platform.registry.provenance import code_digest
from ml_code.projects.hrob.configuration import read_project
from ml_code.projects.hrob.schema import KEY, LABEL, OUTCOME_DAY
from ml_code.projects.hrob.training_set import TrainingRows, read_training_rows

if TYPE_CHECKING:
    from ml_code.context import Context

_LONGEST = 4_000
"""Characters of the reasons: Databricks keeps 48 KiB of a task value, and people read less."""


def run(
    context: "Context", *, model: str, data_limits: str = "{}", when_unchanged: str = "skip", **_: Any
) -> GateVerdict:
    """Whether to train on today's rows, to leave it, or to stop the run because they cannot be trusted."""
    limits = read_limits(data_limits)
    otherwise = _when_unchanged(when_unchanged)
    project = read_project(context.root, context.environment)
    training = read_training_rows(context, project)
    last = last_training(model)
    shifts: dict[str, Shift | None] = {}

    def look(column: Prepared) -> None:
        shifts[column.name] = shift(column, last.profile.columns.get(column.name)) if last else None

    profile = profile_table(TableSource(training.seen), keys=(KEY,), look=look)
    present = TrainingSet(profile, LABEL, (*project.selection.features, LABEL), code_digest(context.root))
    verdict = decide(
        present,
        Last(last.name, last.profile, last.code_digest) if last else None,
        shifts,
        limits,
        new_rows=_new_rows(context, training, last) if last else None,
        when_unchanged=otherwise,
    )
    context.set_task_value("verdict", verdict.decision)
    context.set_task_value("reasons", "; ".join(verdict.reasons)[:_LONGEST])
    context.say(f"{profile.rows} rows, content {profile.digest}, compared with {last.name if last else 'nothing'}")
    for reason in verdict.reasons:
        context.say(f"{verdict.decision}: {reason}")
    return verdict


def _when_unchanged(text: str) -> Literal["train", "skip"]:
    if text == "train":
        return "train"
    if text == "skip":
        return "skip"
    raise StepError(f"--when_unchanged: expected train or skip, found {text!r}")


def _new_rows(context: "Context", training: TrainingRows, last: LastTraining) -> int | None:
    """Births whose outcome the last training did not know so, by time travel; None when its version is not kept."""
    labels = context.table("labels")
    if last.date is None or labels not in last.tables:
        return None
    try:
        then = tables.as_of(context.spark, labels, last.tables[labels])
        known = tables.to_arrow(then.where(f"{OUTCOME_DAY} <= DATE '{last.date}'").select(KEY, LABEL))
    except Exception as error:
        # Engines say in many ways that a version was vacuumed; the number of rows has to do then.
        context.log.info("labels of %s cannot be read any more: %s", last.name, str(error).splitlines()[:1])
        return None
    present = training.rows.select([KEY, LABEL])
    return int(present.join(known.cast(present.schema), [KEY, LABEL], join_type="left anti").num_rows)
