"""What became of a retraining that has not said so itself: asked of the registry, then of the job runs."""

import datetime
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ml_code.context import NO_RUN
from ml_code.platform.monitoring import retraining as retrainings
from ml_code.platform.monitoring.retraining import Outcome, Retraining
from ml_code.platform.registry.versions import Versions

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

    from ml_code.context import Context

# A training takes hours at most. One of which nothing is known after these days never began, or lost its run.
PATIENCE = datetime.timedelta(days=3)

_TRUSTED, _WORTHWHILE = "trusted", "worthwhile"
_ENDED = ("TERMINATED", "SKIPPED", "INTERNAL_ERROR")


def settle(context: "Context", model: str, rows: list[Retraining]) -> list[Retraining]:
    """The retrainings with the outcomes that can be found out by now; those found are written."""
    settled = [_settled(context, model, row) if row.running else row for row in rows]
    retrainings.write(context, [new for new, old in zip(settled, rows, strict=True) if new != old])
    return settled


def begun(workspace: "WorkspaceClient", run_id: str) -> bool:
    """Whether the job run that asked for a training has started it, or still may."""
    call = _call(workspace, run_id)
    return call is not None and (not _ended(call) or _training_run(workspace, call) is not None)


def _settled(context: "Context", model: str, row: Retraining) -> Retraining:
    version = _version(model, row.retraining)
    if version is not None:
        outcome = _OF_VERDICT.get(version.tags.get("verdict", ""))
        if outcome:
            detail = str(version.tags.get("verdict_reason", "")) or None
            return replace(row, outcome=outcome, version=str(version.version), detail=detail)
    made = str(version.version) if version is not None else None
    found = _by_run(context.workspace, row)
    if found is None and context.date - row.date >= PATIENCE:
        found = ("failed", f"no training run is known {PATIENCE.days} days after it was asked for")
    return row if found is None else replace(row, outcome=found[0], version=made, detail=found[1])


def _version(model: str, retraining: str) -> Any:
    records = reversed(Versions(model).all())
    return next((record for record in records if record.tags.get(retrainings.TAG) == retraining), None)


def _by_run(workspace: "WorkspaceClient", row: Retraining) -> tuple[Outcome, str] | None:
    """Outcome and detail as the job runs tell them; None while the training runs or where no run is known."""
    call = _call(workspace, row.run_id)
    if call is None or not _ended(call):
        return None
    run_id = _training_run(workspace, call)
    if run_id is None:
        return "failed", call.state.state_message or "the training job was not started"
    run = workspace.jobs.get_run(run_id)
    outcomes = {one.task_key: one.condition_task.outcome for one in run.tasks or [] if one.condition_task}
    if outcomes.get(_TRUSTED) == "false":
        return "stopped", f"the data gate does not trust the training set (run {run.run_id})"
    if outcomes.get(_WORTHWHILE) == "false":
        return "skipped", f"the data gate found nothing new to learn from (run {run.run_id})"
    failed = ", ".join(one.task_key for one in run.tasks or [] if one.state and _failed(one.state))
    return "failed", f"run {run.run_id} ended without a verdict" + (f": {failed} failed" if failed else "")


def _call(workspace: "WorkspaceClient", run_id: str) -> Any:
    """The task that runs the training job in a run of the monitoring job; None where there is none."""
    from databricks.sdk.errors import InvalidParameterValue, NotFound

    if run_id == NO_RUN:
        return None
    try:
        run = workspace.jobs.get_run(int(run_id))
    except (NotFound, InvalidParameterValue):
        return None
    calls = [task for task in run.tasks or [] if task.run_job_task]
    return calls[-1] if calls else None


def _ended(task: Any) -> bool:
    return bool(task.state and task.state.life_cycle_state) and task.state.life_cycle_state.value in _ENDED


def _training_run(workspace: "WorkspaceClient", call: Any) -> int | None:
    output = workspace.jobs.get_run_output(call.run_id).run_job_output
    return output.run_id or None if output else None


def _failed(state: Any) -> bool:
    return bool(state.result_state) and state.result_state.value in ("FAILED", "TIMEDOUT", "CANCELED")


_OF_VERDICT: dict[str, Outcome] = {"promote": "promoted", "refuse": "refused"}
