"""A job: steps from the pinned branch, as one service principal, on a single-user cluster under the policy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from infra.constructs.compute import JobClusterConfig
from infra.constructs.part import Part
from infra.constructs.steps import Before, Manifest, Outcome, StepError, TaskConfig, Value, text_of
from infra.constructs.tags import require_tags
from infra.constructs.tasks import AnyTask, ConditionConfig, RunJobConfig, key_of, problems_of
from infra.settings.environment import JobLimits, Notifications
from infra.settings.errors import Problem
from infra.synth.library import cdk, provider
from infra.synth.stack import WorkspaceStack

CLUSTER_KEY = "main"


@dataclass(frozen=True)
class GitPin:
    """The code that a job runs: a branch as it is when the job starts, or one commit."""

    url: str
    provider: str
    branch: str
    commit: str | None = None


@dataclass(frozen=True)
class Schedule:
    """When a job starts by itself: a Quartz expression in UTC; paused ones are kept but do not fire."""

    quartz: str
    active: bool


@dataclass(frozen=True)
class JobConfig:
    """A job and all that it needs; every field is required that a production job must not lack."""

    name: str
    description: str
    git: GitPin
    run_as: str
    """Application id of the service principal."""
    cluster: JobClusterConfig
    manifest: Manifest
    tasks: Sequence[AnyTask]
    parameters: Mapping[str, Value]
    """Defaults of the job's parameters; a run may give others."""
    limits: JobLimits
    notifications: Notifications
    tags: Mapping[str, str]
    libraries: Sequence[str] = ()
    """Python packages with their versions, installed on the cluster before a task starts."""
    schedule: Schedule | None = None
    job_ids: Mapping[str, str] = field(default_factory=dict)
    """Ids of the jobs that tasks may run, by short name."""

    def __post_init__(self) -> None:
        require_tags(self.tags, f"job {self.name}")
        problems = problems_of(self.tasks, self.parameters, self.job_ids)
        if problems:
            raise StepError([Problem("stacks", problem, f"job {self.name}") for problem in problems])


class Job(Part):
    """A Databricks job. Outputs: `id`, `name`."""

    def __init__(self, scope: WorkspaceStack, name: str, config: JobConfig) -> None:
        super().__init__(scope, name)
        module = provider("job")
        limits = config.limits
        job = scope.make(
            self,
            "databricks_job",
            name,
            name=config.name,
            description=config.description,
            git_source=_git_source(config.git),
            run_as=module.JobRunAs(service_principal_name=config.run_as),
            job_cluster=[module.JobJobCluster(job_cluster_key=CLUSTER_KEY, new_cluster=config.cluster.block())],
            # The provider compares tasks as a list in the order of their keys.
            task=[_task(config, task) for task in sorted(config.tasks, key=lambda t: t.key)],
            parameter=[
                module.JobParameter(name=key, default=text_of(value))
                for key, value in sorted(config.parameters.items())
            ],
            tags=dict(config.tags),
            timeout_seconds=limits.timeout_minutes * 60,
            max_concurrent_runs=1,
            queue=module.JobQueue(enabled=True),
            health=module.JobHealth(
                rules=[
                    module.JobHealthRules(
                        metric="RUN_DURATION_SECONDS", op="GREATER_THAN", value=limits.warning_minutes * 60
                    )
                ]
            ),
            **_notifications(config.notifications),
            **({"schedule": _schedule(config.schedule)} if config.schedule else {}),
        )
        self.id: str = job.id
        self.name = config.name


def _git_source(pin: GitPin) -> Any:
    what = {"commit": pin.commit} if pin.commit else {"branch": pin.branch}
    return provider("job").JobGitSource(url=pin.url, provider=pin.provider, **what)


def _task(config: JobConfig, task: AnyTask) -> Any:
    module = provider("job")
    before = [
        module.JobTaskDependsOn(task_key=key_of(each), **_outcome(each)) for each in sorted(task.depends_on, key=key_of)
    ]
    match task:
        case TaskConfig():
            what = _step(config, task)
        case ConditionConfig():
            what = {"condition_task": module.JobTaskConditionTask(left=task.left, op=task.operator, right=task.right)}
        case RunJobConfig():
            what = {"run_job_task": _run_job(config, task)}
    return module.JobTask(task_key=task.key, depends_on=before or None, **what)


def _outcome(before: Before) -> dict[str, str]:
    return {"outcome": text_of(before.value)} if isinstance(before, Outcome) else {}


def _step(config: JobConfig, task: TaskConfig) -> dict[str, Any]:
    module, limits = provider("job"), config.limits
    line = config.manifest.arguments(config.name, task, config.parameters)
    arguments: dict[str, Any] = {
        "description": config.manifest.steps[task.step].description or None,
        "job_cluster_key": CLUSTER_KEY,
        "spark_python_task": module.JobTaskSparkPythonTask(
            python_file=config.manifest.entry, source="GIT", parameters=line
        ),
        "library": [module.JobTaskLibrary(pypi=module.JobTaskLibraryPypi(package=each)) for each in config.libraries],
        "timeout_seconds": limits.timeout_minutes * 60,
    }
    if not task.retried:
        return {**arguments, "max_retries": 0}
    return {
        **arguments,
        "max_retries": limits.retries,
        "min_retry_interval_millis": limits.retry_wait_seconds * 1000,
        "retry_on_timeout": False,
    }


def _run_job(config: JobConfig, task: RunJobConfig) -> Any:
    return provider("job").JobTaskRunJobTask(
        job_id=cdk.Token.as_number(config.job_ids[task.job]),
        job_parameters={name: text_of(value) for name, value in sorted(task.parameters.items())},
    )


def _notifications(targets: Notifications) -> dict[str, Any]:
    """Failures and overlong runs, by mail and webhook."""
    module = provider("job")
    blocks: dict[str, Any] = {}
    if targets.email:
        mail = list(targets.email)
        blocks["email_notifications"] = module.JobEmailNotifications(
            on_failure=mail, on_duration_warning_threshold_exceeded=mail
        )
    if targets.webhooks:
        ids = sorted(targets.webhooks)
        slow = module.JobWebhookNotificationsOnDurationWarningThresholdExceeded
        blocks["webhook_notifications"] = module.JobWebhookNotifications(
            on_failure=[module.JobWebhookNotificationsOnFailure(id=target) for target in ids],
            on_duration_warning_threshold_exceeded=[slow(id=target) for target in ids],
        )
    return blocks


def _schedule(schedule: Schedule) -> Any:
    return provider("job").JobSchedule(
        quartz_cron_expression=schedule.quartz,
        timezone_id="UTC",
        pause_status="UNPAUSED" if schedule.active else "PAUSED",
    )
