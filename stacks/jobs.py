"""The project's jobs, as data: which steps, in which order, with which parameters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from infra.constructs.steps import Manifest, StepError, TaskConfig, Value
from infra.settings.environment import Size
from infra.settings.errors import Problem
from infra.settings.settings import Settings


@dataclass(frozen=True)
class JobDefinition:
    """One job before anything is made of it; parameters are the defaults that a run may replace."""

    name: str
    description: str
    size: Size
    tasks: Sequence[TaskConfig]
    parameters: Mapping[str, Value]
    quartz: str | None


def define_jobs(settings: Settings, manifest: Manifest) -> list[JobDefinition]:
    """Landing, training and batch inference. Raises StepError with everything that does not fit the manifest."""
    jobs = [_landing(settings, manifest), _training(settings, manifest), _batch_inference(settings)]
    problems: list[Problem] = []
    for job in jobs:
        for task in job.tasks:
            try:
                manifest.arguments(settings.job_name(job.name), task, job.parameters)
            except StepError as error:
                problems += error.problems
    if problems:
        raise StepError(problems)
    return jobs


def _landing(settings: Settings, manifest: Manifest) -> JobDefinition:
    return JobDefinition(
        name="landing",
        description="Lands the source's files up to a day",
        size=settings.values.compute.sizes.small,
        tasks=[_task("land", "hrob.land", through="{{job.parameters.date}}")],
        parameters={**_where(settings), **manifest.defaults("hrob.land", "source", "members")},
        quartz=settings.project.schedules.landing,
    )


def _training(settings: Settings, manifest: Manifest) -> JobDefinition:
    promotion = settings.values.promotion
    return JobDefinition(
        name="training",
        description="Trains a candidate, judges it on rows that it has not seen, promotes it if it is good enough",
        size=settings.values.compute.sizes.large,
        tasks=[
            _task("ingest", "hrob.ingest"),
            _task("features", "hrob.features", after="ingest"),
            _task("train", "hrob.train", after="features"),
            _task("validate", "hrob.validate", after="train"),
            _task("promote", "hrob.promote", after="validate"),
        ],
        parameters={
            **_where(settings),
            "model": settings.model_full_name,
            "experiment": settings.experiment_name,
            "floor": promotion.floor,
            "threshold": promotion.threshold,
            **manifest.defaults("hrob.train", "trials", "stages"),
        },
        quartz=settings.project.schedules.training,
    )


def _batch_inference(settings: Settings) -> JobDefinition:
    return JobDefinition(
        name="batch-inference",
        description="Scores the day with the champion",
        size=settings.values.compute.sizes.large,
        tasks=[
            _task("ingest", "hrob.ingest"),
            _task("features", "hrob.features", after="ingest"),
            _task("score", "hrob.score", after="features"),
        ],
        parameters={**_where(settings), "model": settings.model_full_name},
        quartz=settings.project.schedules.batch_inference,
    )


def _where(settings: Settings) -> dict[str, Value]:
    """What every step is told: where it works and for which day."""
    return {
        "environment": settings.environment,
        "catalog": settings.catalog,
        "schema": settings.schema_name,
        "date": "{{job.start_time.iso_date}}",
    }


def _task(key: str, step: str, *, after: str | None = None, **parameters: Value) -> TaskConfig:
    return TaskConfig(key, step, {"run_id": "{{job.run_id}}", **parameters}, (after,) if after else ())
