"""Runs of real processes on real checkouts: what tasks see, how runs end, what happens when things go wrong."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from infra.workspace.gateway.errors import ApiError, BadRequest, PermissionDenied
from infra.workspace.jobs.service import JobsService
from tests.support.jobs_room import (
    URL,
    Repository,
    Room,
    job,
    open_room,
    python_task,
    results_of,
    tasks_of,
)

BY_STEP = """
import os, subprocess, sys, time
step = sys.argv[1] if len(sys.argv) > 1 else ""
print("step", step, flush=True)
if step == "fail":
    raise RuntimeError("this step fails")
if step == "sleep":
    child = subprocess.Popen(["sleep", "600"], start_new_session=True)
    print("child", child.pid, flush=True)
    time.sleep(600)
if step == "once":
    marker = sys.argv[2]
    if not os.path.exists(marker):
        open(marker, "w").close()
        raise RuntimeError("fails the first time")
"""


@pytest.fixture
def steps(repository: Repository) -> None:
    repository.commit({"ml_code/run.py": BY_STEP})


def make(room: Room, body: dict[str, object]) -> int:
    return int(room.jobs.create_job(room.admin, body)["job_id"])


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(condition: object, timeout: float = 10) -> None:
    deadline = time.monotonic() + timeout
    while not condition():  # type: ignore[operator] # a lambda
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def test_a_task_sees_what_databricks_shows_it_and_nothing_of_the_owner(
    room: Room, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OWNERS_SECRET", "x")
    script = """
        import json, os, sys
        import helper
        try:
            import infra
            leak = infra.__name__
        except ImportError:
            leak = ""
        print(json.dumps({"argv": sys.argv[1:], "cwd": os.getcwd(), "file": "__file__" in globals(), "leak": leak,
            "name": __name__, "helper": helper.WHO, "env": sorted(os.environ), "path0": sys.path[0],
            "root_on_path": os.path.dirname(os.getcwd()) in sys.path}))
    """
    commit = repository.commit(
        {"ml_code/run.py": "\n".join(line[8:] for line in script.splitlines()), "ml_code/helper.py": "WHO = 'main'"}
    )
    job_id = make(room, job(python_task("a", "--run", "{{job.run_id}}", "{{task.name}}")))
    run = room.run(job_id)
    seen = json.loads(room.log(tasks_of(run)["a"]))
    assert seen["argv"] == ["--run", str(run["run_id"]), "a"]
    assert Path(seen["cwd"]).name == "ml_code"
    assert seen["path0"] == seen["cwd"]
    assert (seen["file"], seen["leak"], seen["name"], seen["helper"]) == (False, "", "__main__", "main")
    assert not seen["root_on_path"]
    assert {"DATABRICKS_HOST", "DATABRICKS_TOKEN", "SPARK_REMOTE", "MLFLOW_TRACKING_URI"} <= set(seen["env"])
    assert "OWNERS_SECRET" not in seen["env"]
    assert run["git_source"]["git_snapshot"]["used_commit"] == commit
    assert (run["state"]["life_cycle_state"], run["state"]["result_state"]) == ("TERMINATED", "SUCCESS")
    assert run["status"] == {
        "state": "TERMINATED",
        "termination_details": {"code": "SUCCESS", "type": "SUCCESS", "message": ""},
    }


def test_runs_the_pinned_branch_while_another_moves_on(room: Room, repository: Repository) -> None:
    repository.commit({"ml_code/run.py": "print('released')"}, branch="release")
    repository.commit({"ml_code/run.py": "print('moved on')"}, branch="main")
    run = room.run(make(room, job(python_task("a"), branch="release")))
    assert room.log(tasks_of(run)["a"]) == "released\n"


@pytest.mark.usefixtures("steps")
def test_a_raising_step_skips_later_ones_and_its_log_reaches_the_caller(room: Room) -> None:
    body = job(
        python_task("first", "fail"),
        python_task("second", needs=("first",)),
        python_task("cleanup", needs=("second",), run_if="ALL_DONE"),
        python_task("other"),
        email_notifications={"on_failure": ["team@example.com"]},
    )
    job_id = make(room, body)
    run = room.run(job_id)
    assert results_of(run) == {
        "first": "FAILED",
        "second": "UPSTREAM_FAILED",
        "cleanup": "SUCCESS",
        "other": "SUCCESS",
    }
    # Leaves decide: `cleanup` and `other` succeeded.
    assert run["state"]["result_state"] == "SUCCESS_WITH_FAILURES"
    output = room.jobs.runs.get_run_output(room.admin, tasks_of(run)["first"]["run_id"])
    assert output["error"] == "RuntimeError: this step fails"
    assert "RuntimeError: this step fails" in output["logs"]
    assert "driver.py" not in output["error_trace"]
    assert "line 6" in output["error_trace"]


@pytest.mark.usefixtures("steps")
def test_a_failed_run_is_notified_once_and_says_which_task(room: Room) -> None:
    body = job(python_task("first", "fail"), python_task("second", needs=("first",)))
    job_id = make(room, {**body, "email_notifications": {"on_failure": ["team@example.com"], "on_success": ["x"]}})
    run = room.run(job_id)
    assert (run["state"]["life_cycle_state"], run["state"]["result_state"]) == ("INTERNAL_ERROR", "FAILED")
    assert run["state"]["state_message"] == (
        "Task first failed with message: Workload failed, see run output for details."
        " This caused all downstream tasks to get skipped."
    )
    [sent] = room.jobs.outbox(room.admin, job_id)["notifications"]
    assert (sent["event"], sent["recipient"], sent["run_id"]) == ("on_failure", "team@example.com", run["run_id"])


@pytest.mark.usefixtures("steps")
def test_retries_until_it_succeeds(room: Room, tmp_path: Path) -> None:
    task = python_task("a", "once", str(tmp_path / "marker"), max_retries=2, min_retry_interval_millis=10)
    run = room.run(make(room, job(task)))
    attempts = [(item["attempt_number"], item["state"]["result_state"]) for item in run["tasks"]]
    assert attempts == [(0, "FAILED"), (1, "SUCCESS")]
    assert run["state"]["result_state"] == "SUCCESS"


@pytest.mark.usefixtures("steps")
@pytest.mark.parametrize("limited", ["task", "job"])
def test_a_timeout_ends_the_task_with_its_children(room: Room, limited: str) -> None:
    limit = {"timeout_seconds": 2}
    body = job(python_task("a", "sleep", **(limit if limited == "task" else {})), **(limit if limited == "job" else {}))
    run = room.run(make(room, body), timeout=30)
    assert (run["state"]["life_cycle_state"], run["state"]["result_state"]) == ("TERMINATED", "TIMEDOUT")
    task = tasks_of(run)["a"]
    assert task["state"]["result_state"] == "TIMEDOUT"
    child = int(room.log(task).split("child ")[1])
    assert not alive(child)


@pytest.mark.usefixtures("steps")
def test_cancelling_ends_processes_and_what_has_not_started(room: Room) -> None:
    job_id = make(room, job(python_task("a", "sleep"), python_task("b", needs=("a",))))
    run_id = room.jobs.runs.run_now(room.admin, {"job_id": job_id})["run_id"]
    task = room.wait_for_task(run_id, "a")
    wait_until(lambda: "child" in room.jobs.runs.read_log(room.admin, task["run_id"], 0)["text"])
    room.jobs.runs.cancel_run(room.admin, run_id)
    run = room.wait(run_id)
    assert results_of(run) == {"a": "CANCELED", "b": "CANCELED"}
    assert run["state"]["user_cancelled_or_timedout"]
    assert not alive(int(room.log(task).split("child ")[1]))


def test_a_branch_that_does_not_exist_fails_the_run_with_its_name(room: Room, repository: Repository) -> None:
    repository.commit({"ml_code/run.py": ""})
    run = room.run(make(room, job(python_task("a", max_retries=3), python_task("b", needs=("a",)), branch="gone")))
    assert results_of(run) == {"a": "FAILED", "b": "UPSTREAM_FAILED"}
    assert f"branch 'gone' does not exist in {URL}" in run["state"]["state_message"]
    assert tasks_of(run)["a"]["status"]["termination_details"]["code"] == "REPOSITORY_CHECKOUT_FAILED"


def test_a_repository_that_is_not_mapped_and_a_missing_file_are_named(room: Room, repository: Repository) -> None:
    repository.commit({"readme.txt": ""})
    body = job(python_task("a"))
    run = room.run(make(room, body))
    assert "has no such file" in run["state"]["state_message"]
    body["git_source"]["git_url"] = "https://git.example.com/other"
    run = room.run(make(room, body))
    assert "no local repository stands for https://git.example.com/other" in run["state"]["state_message"]


def test_task_values_and_parameters_reach_later_tasks(room: Room, repository: Repository) -> None:
    repository.commit(
        {
            "ml_code/run.py": """
import sys
from databricks.sdk.runtime import dbutils
if sys.argv[1] == "set":
    dbutils.jobs.taskValues.set("version", {"number": 3})
    try:
        dbutils.jobs.taskValues.set("huge", "x" * 50000)
    except ValueError as error:
        print(error)
else:
    print(dbutils.jobs.taskValues.get(taskKey="a", key="version"), sys.argv[2:], dbutils.widgets.get("day"))
    print(dbutils.jobs.taskValues.get(taskKey="a", key="none", default="-", debugValue="debug"))
    dbutils.jobs.taskValues.get(taskKey="a", key="none")
"""
        }
    )
    reader = python_task("b", "get", "{{tasks.a.values.version}}", "{{job.parameters.day}}", needs=("a",))
    body = job(python_task("a", "set"), reader, parameters=[{"name": "day", "default": "2024-01-01"}])
    job_id = make(room, body)
    run = room.run(job_id, job_parameters={"day": "2024-02-03"})
    tasks = tasks_of(run)
    assert "at most 49152" in room.log(tasks["a"])
    lines = room.log(tasks["b"]).splitlines()
    assert lines[0] == """{'number': 3} ['{"number": 3}', '2024-02-03'] 2024-02-03"""
    assert lines[1] == "-"
    assert "ValueError: task 'a' has set no task value 'none'" in lines[-1]
    assert run["job_parameters"] == [{"name": "day", "default": "2024-01-01", "value": "2024-02-03"}]
    with pytest.raises(BadRequest, match="no parameter 'month'"):
        room.jobs.runs.run_now(room.admin, {"job_id": job_id, "job_parameters": {"month": "1"}})


@pytest.mark.usefixtures("steps")
def test_conditions_choose_the_branch_that_runs(room: Room) -> None:
    condition = {"op": "GREATER_THAN", "left": "{{job.parameters.score}}", "right": "0.5"}
    body = job(
        {"task_key": "check", "condition_task": condition},
        python_task("yes", depends_on=[{"task_key": "check", "outcome": "true"}]),
        python_task("no", depends_on=[{"task_key": "check", "outcome": "false"}]),
        parameters=[{"name": "score", "default": "0.7"}],
    )
    job_id = make(room, body)
    assert results_of(room.run(job_id)) == {"check": "SUCCESS", "yes": "SUCCESS", "no": "EXCLUDED"}
    low = room.run(job_id, job_parameters={"score": "0.2"})
    assert results_of(low) == {"check": "SUCCESS", "yes": "EXCLUDED", "no": "SUCCESS"}
    assert tasks_of(low)["check"]["condition_task"]["outcome"] == "false"
    assert low["state"]["result_state"] == "SUCCESS"


@pytest.mark.usefixtures("steps")
def test_for_each_runs_every_item_and_fails_with_the_worst(room: Room) -> None:
    nested = {"inputs": '["ok", "fail", "ok"]', "concurrency": 2, "task": python_task("each_item", "{{input}}")}
    run = room.run(make(room, job({"task_key": "each", "for_each_task": nested})))
    assert results_of(run) == {"each": "FAILED"}
    shown = room.jobs.runs.get_run(room.admin, tasks_of(run)["each"]["run_id"])
    assert [item["state"]["result_state"] for item in shown["iterations"]] == ["SUCCESS", "FAILED", "SUCCESS"]


@pytest.mark.usefixtures("steps")
def test_a_job_runs_another_and_takes_over_its_result(room: Room) -> None:
    inner = make(room, job(python_task("a", "{{job.parameters.step}}"), parameters=[{"name": "step", "default": ""}]))
    call = {"job_id": inner, "job_parameters": {"step": "fail"}}
    run = room.run(make(room, {"name": "outer", "tasks": [{"task_key": "call", "run_job_task": call}]}))
    assert results_of(run) == {"call": "FAILED"}
    child = room.jobs.runs.get_run_output(room.admin, tasks_of(run)["call"]["run_id"])["run_job_output"]["run_id"]
    assert room.jobs.runs.get_run(room.admin, child)["trigger"] == "RUN_JOB_TASK"


def test_what_is_not_supported_ends_the_run_by_name(room: Room) -> None:
    task = {"task_key": "nb", "notebook_task": {"notebook_path": "/x"}}
    run = room.run(make(room, {"name": "notebooks", "tasks": [task]}))
    assert run["state"]["life_cycle_state"] == "INTERNAL_ERROR"
    assert "notebook_task is not supported by the local workspace" in run["state"]["state_message"]


@pytest.mark.usefixtures("steps")
def test_repair_runs_failed_tasks_again_and_keeps_the_rest(room: Room, tmp_path: Path) -> None:
    marker = str(tmp_path / "marker")
    body = job(python_task("good"), python_task("bad", "once", marker), python_task("after", needs=("bad", "good")))
    run = room.run(make(room, body))
    assert results_of(run) == {"good": "SUCCESS", "bad": "FAILED", "after": "UPSTREAM_FAILED"}
    again = {"run_id": run["run_id"], "rerun_all_failed_tasks": True}
    repair_id = room.jobs.runs.repair_run(room.admin, again)["repair_id"]
    repaired = room.wait(run["run_id"])
    assert results_of(repaired) == {"good": "SUCCESS", "bad": "SUCCESS", "after": "SUCCESS"}
    assert len(repaired["tasks"]) == 5
    assert [item["type"] for item in repaired["repair_history"]] == ["ORIGINAL", "REPAIR"]
    assert repaired["repair_history"][1]["state"]["result_state"] == "SUCCESS"
    with pytest.raises(BadRequest, match=f"latest_repair_id must be {repair_id}"):
        room.jobs.runs.repair_run(room.admin, {"run_id": run["run_id"], "rerun_tasks": ["good"]})


@pytest.mark.usefixtures("steps")
@pytest.mark.parametrize("queue", [False, True])
def test_a_second_run_is_skipped_or_queued(room: Room, queue: bool) -> None:
    body = job(python_task("a", "{{job.parameters.step}}"), parameters=[{"name": "step", "default": "ok"}])
    job_id = make(room, {**body, "queue": {"enabled": queue}})
    parameters = {"step": "sleep"}
    first = room.jobs.runs.run_now(room.admin, {"job_id": job_id, "job_parameters": parameters})["run_id"]
    second = room.jobs.runs.run_now(room.admin, {"job_id": job_id})["run_id"]
    state = room.jobs.runs.get_run(room.admin, second)["state"]
    if queue:
        assert state["life_cycle_state"] == "QUEUED"
        room.jobs.runs.cancel_run(room.admin, first)
        assert room.wait(second)["state"]["result_state"] == "SUCCESS"
    else:
        assert (state["life_cycle_state"], state["result_state"]) == ("SKIPPED", "MAXIMUM_CONCURRENT_RUNS_REACHED")
        room.jobs.runs.cancel_run(room.admin, first)
        room.wait(first)


@pytest.mark.usefixtures("steps")
def test_the_same_idempotency_token_starts_one_run(room: Room) -> None:
    job_id = make(room, job(python_task("a")))
    body = {"job_id": job_id, "idempotency_token": "t"}
    assert room.jobs.runs.run_now(room.admin, body) == room.jobs.runs.run_now(room.admin, body)
    assert len(room.jobs.runs.list_runs(room.admin, job_id)["runs"]) == 1


def test_secrets_do_not_reach_the_log(room: Room, repository: Repository) -> None:
    repository.commit({"ml_code/run.py": "import os\nprint('password', os.environ['PASSWORD'])"})
    room.secrets.create_scope(room.admin, {"scope": "s"})
    room.secrets.put_secret(room.admin, {"scope": "s", "key": "k", "string_value": "hunter2-and-more"})
    spec = {
        "spark_version": "15.4.x-scala2.12",
        "num_workers": 0,
        "spark_env_vars": {"PASSWORD": "{{secrets/s/k}}"},
    }
    run = room.run(make(room, job(python_task("a", new_cluster=spec))))
    assert room.log(tasks_of(run)["a"]) == "password [REDACTED]\n"


@pytest.mark.usefixtures("steps")
def test_a_run_uses_its_principals_token_which_ends_with_it(room: Room, repository: Repository) -> None:
    repository.commit({"ml_code/run.py": "import os\nprint(os.environ['DATABRICKS_TOKEN'])"})
    runner = room.service_principal("runner")
    job_id = make(room, job(python_task("a"), run_as={"service_principal_name": runner.name}))
    assert room.jobs.get_job(room.admin, job_id)["run_as_user_name"] == runner.name
    run = room.run(job_id)
    token = room.log(tasks_of(run)["a"]).strip()
    assert run["run_as_user_name"] == runner.name
    with pytest.raises(ApiError):
        room.identity.authenticate(token)
    assert not room.store.rows("SELECT * FROM run_tokens")


@pytest.mark.usefixtures("steps")
def test_a_stranger_sees_neither_job_nor_run_nor_log(room: Room) -> None:
    stranger = room.service_principal("stranger")
    job_id = make(room, job(python_task("a")))
    run = room.run(job_id)
    task_run_id = tasks_of(run)["a"]["run_id"]
    assert room.jobs.list_jobs(stranger)["jobs"] == []
    assert room.jobs.runs.list_runs(stranger)["runs"] == []
    for call in (
        lambda: room.jobs.get_job(stranger, job_id),
        lambda: room.jobs.runs.run_now(stranger, {"job_id": job_id}),
        lambda: room.jobs.runs.get_run(stranger, run["run_id"]),
        lambda: room.jobs.runs.read_log(stranger, task_run_id, 0),
        lambda: room.jobs.runs.cancel_run(stranger, run["run_id"]),
        lambda: room.jobs.delete_job(stranger, job_id),
        lambda: room.jobs.create_job(stranger, job(python_task("a"), run_as={"user_name": room.admin.name})),
    ):
        with pytest.raises(PermissionDenied):
            call()


@pytest.mark.usefixtures("steps")
def test_a_log_can_be_followed_from_an_offset(room: Room) -> None:
    job_id = make(room, job(python_task("a", "sleep")))
    run_id = room.jobs.runs.run_now(room.admin, {"job_id": job_id})["run_id"]
    task = room.wait_for_task(run_id, "a")
    wait_until(lambda: "child" in room.jobs.runs.read_log(room.admin, task["run_id"], 0)["text"])
    first = room.jobs.runs.read_log(room.admin, task["run_id"], 0)
    assert not first["complete"]
    room.jobs.runs.cancel_run(room.admin, run_id)
    room.wait(run_id)
    rest = room.jobs.runs.read_log(room.admin, task["run_id"], first["offset"])
    assert rest == {"text": "", "offset": first["offset"], "complete": True}


@pytest.mark.usefixtures("steps")
def test_a_long_run_is_warned_of_and_a_webhook_is_posted(room: Room) -> None:
    received: list[dict[str, object]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the name that http.server calls
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/hook"
    destination = room.jobs.notifications.destinations.create(
        room.admin, {"display_name": "hook", "config": {"generic_webhook": {"url": url}}}
    )
    assert url not in json.dumps(destination)
    event = "on_duration_warning_threshold_exceeded"
    body = job(
        python_task("a", "sleep"),
        timeout_seconds=3,
        health={"rules": [{"metric": "RUN_DURATION_SECONDS", "op": "GREATER_THAN", "value": 1}]},
        webhook_notifications={event: [{"id": destination["id"]}]},
    )
    job_id = make(room, body)
    run = room.run(job_id)
    wait_until(lambda: received)
    wait_until(lambda: room.jobs.outbox(room.admin, job_id)["notifications"])
    server.shutdown()
    server.server_close()
    assert received[0]["run"] == {"run_id": run["run_id"], "task_key": None}
    [sent] = room.jobs.outbox(room.admin, job_id)["notifications"]
    assert (sent["event"], sent["delivery"]) == (event, "DELIVERED: 204")


CRASHER = """
import json, sys, time
from pathlib import Path
from tests.support.jobs_room import job, open_room, python_task
room = open_room(Path(sys.argv[1]), json.loads(sys.argv[2]))
job_id = room.jobs.create_job(room.admin, job(python_task("a", "sleep"), queue={"enabled": True}))["job_id"]
runs = [room.jobs.runs.run_now(room.admin, {"job_id": job_id})["run_id"] for _ in range(2)]
task = room.wait_for_task(runs[0], "a")
while "child" not in room.jobs.runs.read_log(room.admin, task["run_id"], 0)["text"]:
    time.sleep(0.02)
child = int(room.log(task).split("child ")[1])
leaders = [row["pid"] for row in room.store.rows("SELECT pid FROM processes")]
[(token,)] = room.store.rows("SELECT token FROM run_tokens")
print(json.dumps({"runs": runs, "pids": [*leaders, child], "token": token}), flush=True)
time.sleep(600)
"""


@pytest.mark.faults
@pytest.mark.usefixtures("steps")
def test_after_a_kill_runs_have_failed_and_nothing_of_them_is_left(tmp_path: Path, repository: Repository) -> None:
    repos = {URL: str(repository.path)}
    crasher = subprocess.Popen(
        [sys.executable, "-c", CRASHER, str(tmp_path / "crashed"), json.dumps(repos)],
        cwd=Path(__file__).parents[4],
        stdout=subprocess.PIPE,
    )
    assert crasher.stdout is not None
    seen = json.loads(crasher.stdout.readline())
    assert len(seen["pids"]) >= 3
    assert all(map(alive, seen["pids"]))
    crasher.kill()
    crasher.wait()

    room = open_room(tmp_path / "crashed", repos)
    try:
        failed, queued = seen["runs"]
        run = room.jobs.runs.get_run(room.admin, failed)
        assert (run["state"]["life_cycle_state"], run["state"]["result_state"]) == ("INTERNAL_ERROR", "FAILED")
        assert "workspace was stopped" in run["state"]["state_message"]
        assert results_of(run) == {"a": "FAILED"}
        wait_until(lambda: not any(map(alive, seen["pids"])))
        with pytest.raises(ApiError):
            room.identity.authenticate(seen["token"])
        room.wait_for_task(queued, "a")
        room.jobs.runs.cancel_run(room.admin, queued)
        assert results_of(room.wait(queued)) == {"a": "CANCELED"}
    finally:
        room.stop()


def test_stopping_the_workspace_ends_active_runs(room: Room, repository: Repository) -> None:
    repository.commit({"ml_code/run.py": BY_STEP})
    run_id = room.jobs.runs.run_now(room.admin, {"job_id": make(room, job(python_task("a", "sleep")))})["run_id"]
    room.wait_for_task(run_id, "a")
    jobs: JobsService = room.jobs
    jobs.stop()
    assert "workspace was stopped" in jobs.runs.get_run(room.admin, run_id)["state"]["state_message"]
