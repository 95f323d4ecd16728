"""What a job is before anything is made of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from infra.constructs.steps import Before, TaskConfig, Value
from infra.constructs.tasks import AnyTask
from infra.settings.environment import Size
from infra.settings.parameters import step_parameters
from infra.settings.settings import Settings


@dataclass(frozen=True)
class JobDefinition:
    """One job; parameters are the defaults that a run may replace."""

    name: str
    description: str
    size: Size
    tasks: Sequence[AnyTask]
    parameters: Mapping[str, Value]
    quartz: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    """Beside those that everything has."""

    @property
    def address(self) -> str:
        """Its name in plans, and for run-job tasks: `batch_inference`."""
        return self.name.replace("-", "_")


def parameters(settings: Settings, *names: str) -> dict[str, Value]:
    """What every step is told (where it works and for which day), and of the settings what is named."""
    known = step_parameters(settings)
    told: dict[str, Value] = {name: known[name] for name in ("environment", "catalog", "schema", *names)}
    return {**told, "date": "{{job.start_time.iso_date}}"}


def step(key: str, name: str, *after: Before, retried: bool = True, **parameters: Value) -> TaskConfig:
    """A task that runs a step after others; every step is told the job's run."""
    return TaskConfig(key, name, {"run_id": "{{job.run_id}}", **parameters}, after, retried)
