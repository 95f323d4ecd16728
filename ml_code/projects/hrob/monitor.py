"""Step hrob.monitor: bring the profile and drift tables of the inference log up to date for a logical day.

On Databricks a quality monitor does this itself; the step is for workspaces without one, and for environments whose
settings choose it. Twice is once.
"""

import json
from typing import TYPE_CHECKING, Any

from ml_code.platform.errors import StepError
from ml_code.platform.monitoring.monitor import Monitored, monitor
from ml_code.platform.monitoring.monitored_log import MonitoredLog
from ml_code.platform.monitoring.windows import granularities as granularities_of
from ml_code.projects.hrob.configuration import read_project
from ml_code.projects.hrob.monitored import BASELINE, LOG
from ml_code.projects.hrob.schema import KEY

if TYPE_CHECKING:
    from ml_code.context import Context


def run(context: "Context", *, granularities: str, slices: str, baseline: str, **_: Any) -> Monitored:
    """Compute the windows that are new or changed; says what was written and what was left out."""
    log = monitored_log(context, granularities, slices, baseline)
    done = monitor(context.spark, log, context.date, context.say)
    windows = ", ".join(f"{number} of {name}" for name, number in done.windows.items()) or "none"
    context.say(
        f"windows written: {windows}; {done.profile_rows} rows into {log.profile_table}, "
        f"{done.drift_rows} into {log.drift_table}"
    )
    return done


def monitored_log(context: "Context", granularities: str, slices: str, baseline: str) -> MonitoredLog:
    """The inference log as its monitor sees it. Raises StepError on a parameter that cannot be read."""
    configured = read_project(context.root, context.environment).parameters.monitoring.slices
    table = baseline or BASELINE
    return MonitoredLog(
        table=context.table(LOG),
        timestamp="timestamp",
        model="model_version",
        prediction="prediction",
        granularities=granularities_of(granularities.split(",")),
        label="label",
        probability="risk",
        labelled_at="labelled_at",
        label_changes="label_changes",
        uncompared=("request_id", KEY, "run_id", "commit", "label_changes"),
        slices=_slices(slices) if slices else configured,
        baseline=table if "." in table else context.table(table),
    )


def _slices(text: str) -> tuple[str, ...]:
    try:
        read = json.loads(text)
    except ValueError:
        read = None
    if not isinstance(read, list) or not all(isinstance(expression, str) for expression in read):
        raise StepError(f'--slices: expected a JSON list of expressions such as ["age_group"], found {text!r}')
    return tuple(read)
