"""A data folder that is full, or read-only: who calls is told, nothing is broken, and with room all goes on."""

from __future__ import annotations

import contextlib
import os
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import httpx
import pytest

from infra.workspace import launch
from infra.workspace.launch import LaunchError
from infra.workspace.process_identity import start_time
from tests.faults.conftest import Jobs, until
from tests.support.deployment import wait_for_run
from tests.support.jobs_room import job, python_task

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(sys.platform != "linux", reason="needs a small file system, or a limit set from outside"),
]

_SIZE = "size=48m"


class Disk(Protocol):
    """What the workspace writes to."""

    def fill(self, jobs: Jobs) -> None: ...

    def free(self, jobs: Jobs) -> None: ...


class SmallDisk:
    """A file system of its own, which a ballast file fills to the last byte."""

    def __init__(self, path: Path) -> None:
        self._ballast = path / "ballast"

    def fill(self, jobs: Jobs) -> None:
        with self._ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))

    def free(self, jobs: Jobs) -> None:
        self._ballast.unlink()


class NoWrites:
    """For those who may not mount: the workspace's process may write to no file, which fails as a full disk does."""

    def fill(self, jobs: Jobs) -> None:
        resource.prlimit(jobs.workspace.record.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))

    def free(self, jobs: Jobs) -> None:
        limits = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.prlimit(jobs.workspace.record.pid, resource.RLIMIT_FSIZE, limits)


@contextlib.contextmanager
def _mounted(path: Path, options: str) -> Iterator[bool]:
    """A tmpfs at `path`, if we may mount one."""
    path.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(path)]
    mounted = os.geteuid() == 0 and subprocess.run(command, capture_output=True, check=False).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(path)], check=True)


@pytest.fixture(scope="module", params=["small disk", "no writes"])
def setting(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Jobs, Disk]]:
    folder = tmp_path_factory.mktemp("disk")
    small = request.param == "small disk"
    with _mounted(folder, _SIZE) if small else contextlib.nullcontext(True) as ready:
        if not ready:
            pytest.skip("only root may mount a small disk")
        jobs = Jobs(folder)
        try:
            yield jobs, SmallDisk(folder) if small else NoWrites()
        finally:
            launch.stop(jobs.folder)


def test_calls_are_refused_in_the_one_shape_and_work_again_with_room(setting: tuple[Jobs, Disk]) -> None:
    jobs, disk = setting
    headers = {"Authorization": f"Bearer {jobs.workspace.token}"}
    with httpx.Client(base_url=jobs.workspace.url, headers=headers, timeout=60) as client:

        def put(key: str, value: str) -> httpx.Response:
            return client.post("/api/2.0/secrets/put", json={"scope": "app", "key": key, "string_value": value})

        def upload() -> httpx.Response:
            return client.put("/api/2.0/fs/files/Volumes/full/s/v/big.csv", content=bytes(1 << 20))

        def create() -> httpx.Response:
            return client.post("/api/2.2/jobs/create", json=job(python_task("a", "works"), description="x" * 100_000))

        _prepare(client)
        assert put("before", "kept").status_code == 200
        disk.fill(jobs)
        refused = [_until_refused(call) for call in (upload, create, lambda: put("during", "x" * 60_000))]
        for answer in refused:
            assert answer.status_code == 507, answer.text
            assert answer.json().keys() == {"error_code", "message"}
            assert "cannot be written" in answer.json()["message"]
        acknowledged = client.get("/api/2.2/jobs/list", params={"limit": 100})
        assert acknowledged.status_code == 200, "what is there can be read"
        assert client.get("/api/2.0/fs/directories/Volumes/full/s/v").json().get("contents", []) == []

        disk.free(jobs)
        assert client.get("/api/2.2/jobs/list", params={"limit": 100}).json() == acknowledged.json()
        assert [call().status_code for call in (upload, create, lambda: put("after", "new"))] == [204, 200, 200]
        names = client.get("/api/2.0/secrets/list", params={"scope": "app"}).json()["secrets"]
        assert {"before", "after"} <= {secret["key"] for secret in names}


def test_a_run_that_meets_a_full_disk_ends_once_there_is_room(setting: tuple[Jobs, Disk]) -> None:
    jobs, disk = setting
    run_id = jobs.begin(jobs.create(job(python_task("score", "hangs", timeout_seconds=2))))

    pids = jobs.pids(run_id)
    disk.fill(jobs)
    try:
        until(lambda: not [pid for pid in pids if start_time(pid)], "its timeout is over", timeout=20)
    finally:
        disk.free(jobs)
    ended = wait_for_run(jobs.workspace, run_id, timeout=30)
    assert ended.result in ("TIMEDOUT", "FAILED")
    after = jobs.run(job(python_task("score", "works")))
    assert after.result == "SUCCESS", after


def test_nothing_is_broken_after_all_that(setting: tuple[Jobs, Disk]) -> None:
    jobs, _ = setting
    launch.stop(jobs.folder)
    with contextlib.closing(sqlite3.connect(jobs.folder / "workspace.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    jobs.start()
    assert jobs.run(job(python_task("score", "works"))).result == "SUCCESS"


def test_a_start_on_a_read_only_folder_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "fixed"
    with _mounted(folder, "ro") as mounted:
        if not mounted and os.geteuid() == 0:
            pytest.skip("root may write everywhere but to a file system that is read-only")
        if not mounted:
            folder.chmod(0o500)
        with pytest.raises(LaunchError, match=r"the data folder .*/fixed/workspace cannot be written"):
            launch.start(folder / "workspace", port=0)


def _until_refused(call: Callable[[], httpx.Response]) -> httpx.Response:
    """The first answer that is an error: what the database has room for in its own files still succeeds."""
    for _ in range(100):
        answer = call()
        if answer.is_error:
            break
    return answer


def _prepare(client: httpx.Client) -> None:
    """A secret scope and a volume."""
    uc = "/api/2.1/unity-catalog"
    volume = {"catalog_name": "full", "schema_name": "s", "name": "v", "volume_type": "MANAGED"}
    for path, body in (
        ("/api/2.0/secrets/scopes/create", {"scope": "app"}),
        (f"{uc}/catalogs", {"name": "full"}),
        (f"{uc}/schemas", {"catalog_name": "full", "name": "s"}),
        (f"{uc}/volumes", volume),
    ):
        assert client.post(path, json=body).status_code == 200
