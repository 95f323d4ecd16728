"""The project's jobs, as data: which steps, in which order, with which parameters."""

from infra.constructs.steps import Manifest, Outcome, StepError, TaskConfig
from infra.constructs.tasks import AnyTask, ConditionConfig
from infra.settings.errors import Problem
from infra.settings.settings import Settings
from stacks.job_definition import JobDefinition, parameters, step
from stacks.monitoring_jobs import monitoring, quality_monitor

_LIMITS = ("data_limits", "when_unchanged", "fairness", "model_limits")


def define_jobs(settings: Settings, manifest: Manifest, *, monitored: bool = True) -> list[JobDefinition]:
    """Landing, training, batch inference, and the jobs of monitoring; a job that runs another comes after it.

    Not `monitored`: for a branch that has none of it yet; training then has no data gate either. Raises StepError with
    everything that does not fit the manifest.
    """
    jobs = [_landing(settings, manifest), _training(settings, manifest, gated=monitored), _batch_inference(settings)]
    if monitored:
        jobs += [monitoring(settings), *([quality_monitor(settings)] if settings.has_quality_monitor else [])]
    problems: list[Problem] = []
    for job in jobs:
        for task in job.tasks:
            if isinstance(task, TaskConfig):
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
        tasks=[step("land", "hrob.land", through="{{job.parameters.date}}")],
        parameters={**parameters(settings), **manifest.defaults("hrob.land", "source", "members")},
        quartz=settings.project.schedules.landing,
    )


def _training(settings: Settings, manifest: Manifest, *, gated: bool) -> JobDefinition:
    prepared: list[AnyTask] = [step("ingest", "hrob.ingest"), step("features", "hrob.features", "ingest")]
    return JobDefinition(
        name="training",
        description="Trains a candidate, judges it on rows that it has not seen, promotes it if it is good enough",
        size=settings.values.compute.sizes.large,
        tasks=[
            *prepared,
            *(_gate() if gated else ()),
            step("train", "hrob.train", Outcome("worthwhile", True) if gated else "features"),
            step("validate", "hrob.validate", "train"),
            step("promote", "hrob.promote", "validate"),
        ],
        parameters={
            **parameters(settings, "model", "experiment", "floor", "threshold", *(_LIMITS if gated else ())),
            **manifest.defaults("hrob.train", "trials", "stages"),
            **({"retraining": ""} if gated else {}),
        },
        quartz=settings.project.schedules.training,
    )


def _gate() -> list[AnyTask]:
    """Data that is not trusted fails the run, so that somebody hears; data that is not new ends it in peace."""
    verdict = "{{tasks.gate.values.verdict}}"
    return [
        step("gate", "hrob.gate", "features"),
        ConditionConfig("trusted", verdict, "NOT_EQUAL", "stop", ("gate",)),
        ConditionConfig("worthwhile", verdict, "EQUAL_TO", "train", (Outcome("trusted", True),)),
        step("halt", "hrob.halt", Outcome("trusted", False), retried=False),
    ]


def _batch_inference(settings: Settings) -> JobDefinition:
    return JobDefinition(
        name="batch-inference",
        description="Scores the day with the champion",
        size=settings.values.compute.sizes.large,
        tasks=[
            step("ingest", "hrob.ingest"),
            step("features", "hrob.features", "ingest"),
            step("score", "hrob.score", "features"),
        ],
        parameters=parameters(settings, "model"),
        quartz=settings.project.schedules.batch_inference,
    )
