"""Definitions of jobs: what is kept, what is refused, schedules."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from infra.workspace.gateway.errors import ApiError, BadRequest, MalformedRequest, NotFound, NotSupported
from tests.support.jobs_room import Repository, Room, job, python_task, tasks_of


def settings_of(room: Room, job_id: int) -> dict[str, Any]:
    return dict(room.jobs.get_job(room.admin, job_id)["settings"])


def test_get_shows_what_was_sent_and_databricks_defaults(room: Room) -> None:
    body = job(
        python_task("a", "x", min_retry_interval_millis=5, libraries=[{"pypi": {"package": "p"}}]),
        tags={"team": "t"},
        queue={"enabled": False},
        unknown_field=1,
    )
    job_id = room.jobs.create_job(room.admin, body)["job_id"]
    settings = settings_of(room, job_id)
    sent = {key: value for key, value in body.items() if key not in ("tasks", "unknown_field")}
    assert sent.items() <= settings.items()
    assert body["tasks"][0].items() <= settings["tasks"][0].items()
    assert "unknown_field" not in settings
    added = {"format": "MULTI_TASK", "max_concurrent_runs": 1, "timeout_seconds": 0, "email_notifications": {}}
    assert added.items() <= settings.items()
    assert settings["tasks"][0]["run_if"] == "ALL_SUCCESS"
    # Sent back as it was read, it stays the same: a plan after an apply is empty.
    room.jobs.reset_job(room.admin, {"job_id": job_id, "new_settings": settings})
    assert settings_of(room, job_id) == settings


def test_queueing_is_on_by_default_from_api_2_2_on(room: Room) -> None:
    newer = room.jobs.create_job(room.admin, job(python_task("a")), queued=True)["job_id"]
    older = room.jobs.create_job(room.admin, job(python_task("a")))["job_id"]
    assert settings_of(room, newer)["queue"] == {"enabled": True}
    assert "queue" not in settings_of(room, older)


def test_update_merges_tasks_by_key_and_removes_fields(room: Room) -> None:
    body = job(python_task("a"), python_task("b", needs=("a",)), tags={"x": "y"})
    job_id = room.jobs.create_job(room.admin, body)["job_id"]
    changes = {"name": "renamed", "tasks": [python_task("a", "new")]}
    room.jobs.update_job(room.admin, {"job_id": job_id, "new_settings": changes, "fields_to_remove": ["tags"]})
    settings = settings_of(room, job_id)
    assert (settings["name"], "tags" in settings) == ("renamed", False)
    assert [task["spark_python_task"]["parameters"] for task in settings["tasks"]] == [["new"], []]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (job(python_task("a"), python_task("a")), "'a' is used more than once"),
        (job(python_task("a", needs=("b",))), "'a' depends on task 'b'"),
        (job(python_task("a", needs=("b",)), python_task("b", needs=("a",))), "cycle"),
        (job(python_task("a b")), "Task key 'a b'"),
        (job({"task_key": "a"}), "exactly one task type"),
        (job(python_task("a", job_cluster_key="none")), "job cluster 'none', which is not defined"),
        (job(python_task("a"), run_as={"service_principal_name": "nobody"}), "no principal 'nobody'"),
        (job(python_task("a", run_if="SOMETIMES")), "unknown value 'SOMETIMES'"),
        (job(python_task("a"), git_source={"git_url": "u", "git_provider": "gitHub"}), "exactly one of git_branch"),
        ({"name": "x", "tasks": [python_task("a")]}, "source GIT, but the job has no git_source"),
        (job(python_task("a"), max_concurrent_runs=-1), "max_concurrent_runs"),
        (job(python_task("a"), webhook_notifications={"on_failure": [{"id": "n"}]}), "no notification destination"),
        (job({"task_key": "a", "run_job_task": {"job_id": 999}}), "runs job 999, which does not exist"),
        (job(python_task("a"), schedule={"quartz_cron_expression": "x", "timezone_id": "UTC"}), "quartz_cron"),
        (
            job(python_task("a"), schedule={"quartz_cron_expression": "0 0 1 * * ?", "timezone_id": "Mars"}),
            "no time zone 'Mars'",
        ),
    ],
)
def test_what_is_wrong_is_refused_by_name(room: Room, body: dict[str, Any], problem: str) -> None:
    with pytest.raises(BadRequest, match=problem):
        room.jobs.create_job(room.admin, body)
    assert room.jobs.list_jobs(room.admin)["jobs"] == []


def test_a_wrong_type_names_its_place(room: Room) -> None:
    with pytest.raises(MalformedRequest, match=r"tasks\[0\].timeout_seconds: expected a whole number, got 'soon'"):
        room.jobs.create_job(room.admin, job(python_task("a", timeout_seconds="soon")))


@pytest.mark.parametrize("name", ["continuous", "trigger"])
def test_triggers_that_the_workspace_lacks_are_not_supported(room: Room, name: str) -> None:
    with pytest.raises(NotSupported, match=name):
        room.jobs.create_job(room.admin, job(python_task("a"), **{name: {"file_arrival": {"url": "u"}}}))


def test_a_policy_is_enforced_when_the_job_is_made_and_when_it_runs(room: Room, repository: Repository) -> None:
    repository.commit({"ml_code/run.py": "print('ran')"})
    definition = '{"spark_version": {"type": "fixed", "value": "15.4.x-scala2.12"}}'
    policies = room.compute.policies
    policy_id = policies.create_policy(room.admin, {"name": "p", "definition": definition})["policy_id"]
    cluster = {"policy_id": policy_id, "spark_version": "14.3.x-scala2.12", "num_workers": 0}
    body = job(
        python_task("a", job_cluster_key="main"), job_clusters=[{"job_cluster_key": "main", "new_cluster": cluster}]
    )
    with pytest.raises(BadRequest, match="Cluster of main: Validation failed for spark_version"):
        room.jobs.create_job(room.admin, body)
    cluster["spark_version"] = "15.4.x-scala2.12"
    job_id = room.jobs.create_job(room.admin, body)["job_id"]
    changed = definition.replace("15.4", "16.4")
    policies.edit_policy(room.admin, {"policy_id": policy_id, "name": "p", "definition": changed})
    run = room.run(job_id)
    assert "Validation failed for spark_version" in run["state"]["state_message"]
    assert tasks_of(run)["a"]["status"]["termination_details"]["code"] == "INVALID_CLUSTER_REQUEST"


def test_schedules_fire_by_the_clock_and_not_when_paused(room: Room, repository: Repository) -> None:
    repository.commit({"ml_code/run.py": ""})
    schedule = {"quartz_cron_expression": "0 0 11 * * ?", "timezone_id": "UTC", "pause_status": "UNPAUSED"}
    job_id = room.jobs.create_job(room.admin, job(python_task("a"), schedule=schedule))["job_id"]
    paused = {**schedule, "pause_status": "PAUSED"}
    still = room.jobs.create_job(room.admin, job(python_task("a"), schedule=paused))["job_id"]
    due = room.jobs.schedules.next_fire(job_id)
    assert due is not None
    assert due.hour == 11
    room.clock.advance(due - room.clock.now() - timedelta(seconds=30))
    assert room.jobs.runs.list_runs(room.admin, job_id)["runs"] == []
    room.clock.advance(timedelta(seconds=31))
    [run] = room.jobs.runs.list_runs(room.admin, job_id)["runs"]
    assert run["trigger"] == "PERIODIC"
    assert room.wait(run["run_id"])["state"]["result_state"] == "SUCCESS"
    room.clock.advance(timedelta(days=3))
    assert len(room.jobs.runs.list_runs(room.admin, job_id)["runs"]) == 2
    assert room.jobs.runs.list_runs(room.admin, still)["runs"] == []


def test_lists_page_and_filter(room: Room) -> None:
    ids = [room.jobs.create_job(room.admin, {"name": f"job {n}", "tasks": []})["job_id"] for n in range(5)]
    first = room.jobs.list_jobs(room.admin, limit=2)
    assert ([item["job_id"] for item in first["jobs"]], first["has_more"]) == (ids[:2:-1], True)
    second = room.jobs.list_jobs(room.admin, limit=2, page_token=first["next_page_token"])
    assert [item["job_id"] for item in second["jobs"]] == [ids[2], ids[1]]
    assert [item["job_id"] for item in room.jobs.list_jobs(room.admin, name="JOB 3")["jobs"]] == [ids[3]]
    with pytest.raises(BadRequest, match="limit"):
        room.jobs.list_jobs(room.admin, limit=101)
    with pytest.raises(BadRequest, match="page_token"):
        room.jobs.list_jobs(room.admin, page_token="x")


def test_a_deleted_job_is_gone_with_its_permissions(room: Room) -> None:
    job_id = room.jobs.create_job(room.admin, job(python_task("a")))["job_id"]
    assert room.permissions.owner("jobs", str(job_id)) == room.admin
    room.jobs.delete_job(room.admin, job_id)
    with pytest.raises(NotFound, match=f"Job {job_id} does not exist"):
        room.jobs.get_job(room.admin, job_id)
    with pytest.raises(ApiError):
        room.permissions.get_permissions(room.admin, "jobs", str(job_id))
