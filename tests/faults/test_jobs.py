"""Jobs that fail, each in its own way: who waits for them is told why, and nothing of them stays behind."""

from __future__ import annotations

import pytest

from infra.workspace.process_identity import start_time
from tests.faults.conftest import Jobs, pids_in, until
from tests.support.clone import ROOT, run
from tests.support.jobs_room import job, python_task

pytestmark = pytest.mark.faults

_TOLD = {"on_failure": ["mlops@example.com"]}


def test_a_branch_that_does_not_exist_fails_the_run_by_its_name(jobs: Jobs) -> None:
    ended = jobs.run(job(python_task("land", "works", max_retries=3), branch="relase"))
    assert ended.result == "FAILED"
    assert "branch 'relase' does not exist" in ended.body["state"]["state_message"]
    assert [task["attempt_number"] for task in ended.body["tasks"]] == [0], "another try would find no branch either"


def test_a_step_that_raises_is_retried_told_of_and_stops_what_follows(jobs: Jobs) -> None:
    body = job(
        python_task("ingest", "works"),
        python_task("features", "raises", needs=("ingest",), max_retries=1),
        python_task("train", "works", needs=("features",)),
        python_task("promote", "works", needs=("train",)),
        email_notifications=_TOLD,
    )
    ended = jobs.run(body)
    assert ended.result == "FAILED"
    assert ended.states() == {
        "ingest": "SUCCESS",
        "features": "FAILED",
        "train": "UPSTREAM_FAILED",
        "promote": "UPSTREAM_FAILED",
    }
    attempts = [task["attempt_number"] for task in ended.body["tasks"] if task["task_key"] == "features"]
    assert sorted(attempts) == [0, 1]
    assert "features" in ended.body["state"]["state_message"]

    assert ended.logs["features"].startswith("this is raises")
    assert "ValueError: no births on this day" in ended.logs["features"]
    assert ended.logs["train"] == ""
    variables = {"DATABRICKS_HOST": jobs.workspace.url, "DATABRICKS_TOKEN": jobs.workspace.token}
    printed = run(["branchline", "jobs", "logs", str(ended.body["run_id"])], ROOT, variables)
    assert "this is works" in printed
    assert "ValueError: no births on this day" in printed

    told = jobs.outbox(int(ended.body["job_id"]))
    assert [(sent["event"], sent["recipient"], sent["run_id"]) for sent in told] == [
        ("on_failure", "mlops@example.com", ended.body["run_id"])
    ]
    assert "features" in told[0]["message"]


def test_a_task_over_its_timeout_is_ended_with_its_children(jobs: Jobs) -> None:
    body = job(
        python_task("score", "hangs", timeout_seconds=1),
        python_task("report", "works", needs=("score",)),
        email_notifications=_TOLD,
    )
    ended = jobs.run(body)
    assert ended.result == "TIMEDOUT"
    assert ended.states() == {"score": "TIMEDOUT", "report": "UPSTREAM_FAILED"}
    pids = pids_in(ended.logs["score"])
    assert len(pids) == 3
    until(lambda: not [pid for pid in pids if start_time(pid)], "its processes are gone", timeout=5)
    assert [sent["result"] for sent in jobs.outbox(int(ended.body["job_id"]))] == ["TIMEDOUT"]
