"""`kill -9` of the workspace while a job runs: the next start tells the truth about it and has lost nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from infra.workspace import launch
from infra.workspace.process_identity import start_time
from tests.faults.conftest import Jobs, kill, until
from tests.support.deployment import wait_for_run
from tests.support.jobs_room import job, python_task

pytestmark = pytest.mark.faults


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    """A workspace of the test's own, as it kills it."""
    jobs = Jobs(tmp_path)
    yield jobs
    launch.stop(jobs.folder)


def test_the_run_has_failed_its_processes_are_gone_and_the_next_one_starts(jobs: Jobs) -> None:
    told = {"on_failure": ["mlops@example.com"]}
    body = job(python_task("score", "hangs"), python_task("report", needs=("score",)), email_notifications=told)
    job_id = jobs.create({**body, "queue": {"enabled": True}})
    active, queued = jobs.begin(job_id), jobs.begin(job_id)
    pids = jobs.pids(active)
    kill(jobs.workspace)
    assert start_time(pids[-1]), "the child that left its group is still there, or this test shows nothing"

    jobs.start()
    assert not [pid for pid in pids if start_time(pid)]
    failed = wait_for_run(jobs.workspace, active)
    assert failed.result == "FAILED"
    assert "workspace was stopped while the run was active" in failed.body["state"]["state_message"]
    assert set(failed.states().values()) == {"FAILED"}
    assert failed.logs["score"].startswith("this is hangs"), "what it had printed is kept"
    assert [(sent["run_id"], sent["result"]) for sent in jobs.outbox(job_id)] == [(active, "FAILED")]

    again = jobs.pids(queued)
    jobs.workspace.call("POST", "/api/2.2/jobs/runs/cancel", json={"run_id": queued})
    assert wait_for_run(jobs.workspace, queued).result == "CANCELED"
    assert not [pid for pid in again if start_time(pid)]
    launch.stop(jobs.folder)
    until(lambda: not _processes_of(jobs.folder), "nothing of either start works any more")


def test_what_was_acknowledged_is_still_there(jobs: Jobs) -> None:
    """Two writers at work until the connection breaks; each knows what it has an answer for."""
    created: list[int] = []
    kept: list[str] = []
    jobs.workspace.call("POST", "/api/2.0/secrets/scopes/create", json={"scope": "app"})
    headers = {"Authorization": f"Bearer {jobs.workspace.token}"}

    def create_jobs() -> None:
        while True:
            created.append(jobs.create(job(python_task("a"), tags={"number": str(len(created))})))

    def put_secrets() -> None:
        while True:
            key = f"key-{len(kept)}"
            secret = {"scope": "app", "key": key, "string_value": "s"}
            jobs.workspace.call("POST", "/api/2.0/secrets/put", json=secret)
            kept.append(key)

    writers = [threading.Thread(target=_until_it_breaks, args=(work,)) for work in (create_jobs, put_secrets)]
    for writer in writers:
        writer.start()
    until(lambda: len(created) >= 20 and len(kept) >= 20, "there is something to lose")
    kill(jobs.workspace)
    for writer in writers:
        writer.join()

    jobs.start()
    with httpx.Client(base_url=jobs.workspace.url, headers=headers) as client:
        for number, job_id in enumerate(created):
            settings = client.get("/api/2.2/jobs/get", params={"job_id": job_id}).json()["settings"]
            assert settings["tags"] == {"number": str(number)}
        found = client.get("/api/2.0/secrets/list", params={"scope": "app"}).json()["secrets"]
        in_flight = {secret["key"] for secret in found} - set(kept)
        assert not set(kept) - {secret["key"] for secret in found}
        assert len(in_flight) <= 1
        job_ids = _all_jobs(client)
    assert set(created) <= job_ids
    assert len(job_ids - set(created)) <= 1, "at most the one that was under way"


def _until_it_breaks(work: object) -> None:
    assert callable(work)
    try:
        work()
    except httpx.HTTPError:
        return


def _all_jobs(client: httpx.Client) -> set[int]:
    found: set[int] = set()
    query: dict[str, str] = {"limit": "100"}
    while True:
        page = client.get("/api/2.2/jobs/list", params=query).json()
        found |= {int(listed["job_id"]) for listed in page.get("jobs", [])}
        if not page.get("next_page_token"):
            return found
        query["page_token"] = page["next_page_token"]


def _processes_of(folder: Path) -> list[str]:
    """Command lines of what works for a workspace: those that name its folder, or work in it."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = [(entry / part).read_bytes() for part in ("cmdline", "environ")]
            words.append(bytes((entry / "cwd").readlink()))
        except OSError:
            continue
        if any(bytes(folder) in word for word in words):
            found.append(words[0].replace(b"\0", b" ").decode())
    return found
