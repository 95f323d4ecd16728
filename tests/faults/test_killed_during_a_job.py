"""`kill -9` of the workspace while a job runs: the next start tells the truth about it and has lost nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from infra.workspace import launch
from infra.workspace.launch import LaunchError
from tests.faults.conftest import Jobs, kill, pids_in, until
from tests.support.deployment import wait_for_run
from tests.support.jobs_room import job, python_task

pytestmark = pytest.mark.faults


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    """A workspace of the test's own, as it kills it."""
    jobs = Jobs(tmp_path)
    yield jobs
    launch.stop(jobs.folder)


def _processes_of(folder: Path) -> list[psutil.Process]:
    """Whatever works for a workspace, by the folder that its command line, directory or environment names."""
    found = []
    for process in psutil.process_iter():
        try:
            words = [*process.cmdline(), process.cwd(), *process.environ().values()]
        except psutil.Error:
            continue
        if any(str(folder) in word for word in words):
            found.append(process)
    return found
