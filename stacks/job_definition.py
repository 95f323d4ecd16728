"""What a job is before anything is made of it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from infra.constructs.steps import Before, TaskConfig, Value
from infra.constructs.tasks import AnyTask
from infra.settings.environment import Size
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


def where(settings: Settings) -> dict[str, Value]:
    """What every step is told: where it works and for which day."""
    return {
        "environment": settings.environment,
        "catalog": settings.catalog,
        "schema": settings.schema_name,
        "date": "{{job.start_time.iso_date}}",
    }


def step(key: str, name: str, *after: Before, retried: bool = True, **parameters: Value) -> TaskConfig:
    """A task that runs a step after others; every step is told the job's run."""
    return TaskConfig(key, name, {"run_id": "{{job.run_id}}", **parameters}, after, retried)


def as_json(value: Any) -> str:
    """A structured setting as the text of a job parameter, short and always the same."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
