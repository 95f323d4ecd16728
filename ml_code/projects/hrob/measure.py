"""Step hrob.measure: quality, calibration, fairness, attributions and online skew of each window. Twice is once."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from ml_code.platform import tables
from ml_code.platform.errors import StepError
from ml_code.platform.evaluation.intervals import Resampling
from ml_code.platform.fairness.assessment import Least
from ml_code.platform.monitoring.measure import Done, Task, measure
from ml_code.platform.monitoring.measured_events import Attributions, Offline
from ml_code.platform.monitoring.measured_rows import Quality
from ml_code.platform.registry.versions import Versions
from ml_code.projects.hrob.configuration import Project, read_project
from ml_code.projects.hrob.monitor import monitored_log
from ml_code.projects.hrob.monitored import ATTRIBUTIONS, layout_of
from ml_code.projects.hrob.schema import KEY

if TYPE_CHECKING:
    from ml_code.context import Context

_ATTRIBUTIONS_FILE = "explain/attributions.json"


def run(context: "Context", *, model: str, granularities: str, slices: str = "", **_: Any) -> Done:
    """Measure the windows that are new or changed; says how many."""
    project = read_project(context.root, context.environment)
    by = project.parameters.validation
    watched = project.parameters.monitoring
    task = Task(
        log=monitored_log(context, granularities, slices, ""),
        quality=Quality(
            problem="binary",
            resampling=Resampling(by.bootstrap, by.confidence, by.seed),
            decision=watched.decision,
            sensitive=watched.sensitive,
            least=Least(watched.smallest_group),
        ),
        attributions=Attributions(context.table(ATTRIBUTIONS), _baselines(context, model)),
        offline=_offline(context, project),
    )
    done = measure(context.spark, task, context.date)
    context.say(
        f"{done.whole} windows measured, {done.labels} more in what depends on labels; {done.rows} rows in {task.table}"
    )
    return done


def _baselines(context: "Context", model: str) -> Callable[[str], Mapping[str, float] | None]:
    """Mean absolute contributions by feature when a version was validated; None where its run does not tell."""

    @cache
    def baseline_of(version: str) -> Mapping[str, float] | None:
        import mlflow
        from mlflow.exceptions import MlflowException

        try:
            run_id = Versions(model).get(int(version)).run_id
            found = mlflow.artifacts.load_dict(f"runs:/{run_id}/{_ATTRIBUTIONS_FILE}")
        except (StepError, MlflowException, OSError, ValueError) as error:
            # A version may be gone, or be older than that file; its shares are measured all the same.
            reason = str(error).splitlines()[0][:200]
            context.say(f"{model} v{version}: no attributions to compare with: {reason}")
            return None
        return {feature["feature"]: feature["mean"] for feature in found["features"]}

    return baseline_of


def _offline(context: "Context", project: Project) -> Offline | None:
    name = context.table("features")
    if not tables.exists(context.spark, name):
        return None
    layout = layout_of(context, project)
    rows = layout.protect(layout.of_features(context.spark.table(name)))
    return Offline(rows, KEY, layout.features)
