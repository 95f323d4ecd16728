"""The job construct."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from infra.constructs.compute import JobClusterConfig
from infra.constructs.job import GitPin, Job, JobConfig, Schedule
from infra.constructs.steps import Manifest, StepError, TaskConfig
from infra.constructs.tags import REQUIRED, MissingTags
from infra.settings.environment import JobLimits, Notifications, Size
from infra.synth.stack import EnvironmentStack

Synthesize = Callable[[], dict[str, Any]]
TAGS = dict.fromkeys(REQUIRED, "x")
MANIFEST = Manifest.parse(
    "entry: ml_code/run.py\nsteps: {demo.one: {module: m, parameters: {day: {type: date}}}, demo.two: {module: m}}"
)
CONFIG = JobConfig(
    name="prod-demo",
    description="A job",
    git=GitPin("https://example.com/r.git", "gitHub", "release"),
    run_as="app-id",
    cluster=JobClusterConfig("16.4.x-scala2.12", Size(node_type="big", workers=2), "policy", "app-id", TAGS),
    manifest=MANIFEST,
    tasks=[
        TaskConfig("zeta", "demo.one", {}),
        TaskConfig("alpha", "demo.two", {}, ("zeta", "mid")),
        TaskConfig("mid", "demo.two", {}, ("zeta",)),
    ],
    parameters={"day": "{{job.start_time.iso_date}}", "again": True},
    limits=JobLimits(timeout_minutes=60, warning_minutes=30, retries=2, retry_wait_seconds=5),
    notifications=Notifications(email=("a@example.com",), webhooks=("hook-b", "hook-a")),
    tags=TAGS,
    schedule=Schedule("0 0 11 * * ?", active=True),
)


@pytest.fixture
def job(stack: EnvironmentStack, synthesize: Synthesize) -> Callable[[JobConfig], dict[str, Any]]:
    """Makes a job and returns what Terraform is told of it."""

    def make(config: JobConfig) -> dict[str, Any]:
        Job(stack, "demo", config)
        found: dict[str, Any] = synthesize()["resource"]["databricks_job"]["demo"]
        return found

    return make


def test_a_job_has_everything_that_production_needs(job: Callable[[JobConfig], dict[str, Any]]) -> None:
    found = job(CONFIG)
    assert found["git_source"] == {"url": "https://example.com/r.git", "provider": "gitHub", "branch": "release"}
    assert found["run_as"] == {"service_principal_name": "app-id"}
    assert found["tags"] == TAGS
    assert found["timeout_seconds"] == 3600
    assert found["max_concurrent_runs"] == 1
    assert found["queue"] == {"enabled": True}
    assert found["health"]["rules"] == [{"metric": "RUN_DURATION_SECONDS", "op": "GREATER_THAN", "value": 1800}]
    assert found["email_notifications"]["on_failure"] == ["a@example.com"]
    assert found["webhook_notifications"]["on_failure"] == [{"id": "hook-a"}, {"id": "hook-b"}]
    assert found["schedule"] == {
        "quartz_cron_expression": "0 0 11 * * ?",
        "timezone_id": "UTC",
        "pause_status": "UNPAUSED",
    }
    assert found["parameter"] == [
        {"name": "again", "default": "true"},
        {"name": "day", "default": "{{job.start_time.iso_date}}"},
    ]


def test_the_cluster_is_of_one_user_under_the_policy(job: Callable[[JobConfig], dict[str, Any]]) -> None:
    (cluster,) = job(CONFIG)["job_cluster"]
    new = cluster["new_cluster"]
    assert (new["data_security_mode"], new["single_user_name"]) == ("SINGLE_USER", "app-id")
    assert (new["policy_id"], new["num_workers"], new["custom_tags"]) == ("policy", 2, TAGS)


def test_one_machine_alone_is_said_in_full(job: Callable[[JobConfig], dict[str, Any]]) -> None:
    cluster = replace(CONFIG.cluster, size=Size(node_type="small", workers=0))
    new = job(replace(CONFIG, cluster=cluster))["job_cluster"][0]["new_cluster"]
    assert new["num_workers"] == 0
    assert new["spark_conf"]["spark.databricks.cluster.profile"] == "singleNode"
    assert new["custom_tags"]["ResourceClass"] == "SingleNode"


def test_autoscaling_replaces_the_number_of_workers(job: Callable[[JobConfig], dict[str, Any]]) -> None:
    cluster = replace(CONFIG.cluster, size=Size(node_type="big", workers=1, max_workers=4))
    new = job(replace(CONFIG, cluster=cluster))["job_cluster"][0]["new_cluster"]
    assert new["autoscale"] == {"min_workers": 1, "max_workers": 4}
    assert "num_workers" not in new


def test_tasks_run_steps_from_git_in_the_order_of_their_keys(job: Callable[[JobConfig], dict[str, Any]]) -> None:
    tasks = job(CONFIG)["task"]
    assert [task["task_key"] for task in tasks] == ["alpha", "mid", "zeta"], "the provider compares tasks as a list"
    alpha, _, zeta = tasks
    assert alpha["depends_on"] == [{"task_key": "mid"}, {"task_key": "zeta"}]
    assert zeta["spark_python_task"] == {
        "python_file": "ml_code/run.py",
        "source": "GIT",
        "parameters": ["demo.one", "--day", "{{job.parameters.day}}"],
    }
    for task in tasks:
        assert (task["timeout_seconds"], task["max_retries"], task["min_retry_interval_millis"]) == (3600, 2, 5000)
        assert task["retry_on_timeout"] is False
        assert task["job_cluster_key"] == "main"


def test_a_commit_pins_instead_of_the_branch(job: Callable[[JobConfig], dict[str, Any]]) -> None:
    git = job(replace(CONFIG, git=replace(CONFIG.git, commit="a" * 40)))["git_source"]
    assert git["commit"] == "a" * 40
    assert "branch" not in git


def test_a_job_without_required_tags_is_refused() -> None:
    with pytest.raises(MissingTags, match="job prod-demo: missing tags owner"):
        replace(CONFIG, tags={key: value for key, value in TAGS.items() if key != "owner"})


@pytest.mark.parametrize(
    ("tasks", "expected"),
    [
        ([], "at least one task"),
        ([TaskConfig("a", "demo.two", {}), TaskConfig("a", "demo.two", {})], "task 'a' is given twice"),
        ([TaskConfig("train", "demo.two", {}, ("tarin",))], "depends on unknown task 'tarin'; did you mean 'train'?"),
        (
            [TaskConfig("a", "demo.two", {}, ("b",)), TaskConfig("b", "demo.two", {}, ("a",))],
            "tasks wait for each other: a, b",
        ),
    ],
)
def test_tasks_that_cannot_run_are_refused(tasks: list[TaskConfig], expected: str) -> None:
    with pytest.raises(StepError) as raised:
        replace(CONFIG, tasks=tasks)
    assert expected in str(raised.value)


def test_an_unknown_step_fails_at_synthesis(stack: EnvironmentStack) -> None:
    with pytest.raises(StepError, match=r"task t, step demo\.tow: unknown step"):
        Job(stack, "demo", replace(CONFIG, tasks=[TaskConfig("t", "demo.tow", {})]))
