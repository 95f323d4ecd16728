"""Rehearsals' folders: gone with them, also when they were killed."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ci.rehearsal.folders import keep_folder, own_folder

_HOLDER = """
import sys, time
from pathlib import Path
from ci.rehearsal.folders import own_folder
from infra.workspace import launch
with own_folder(Path(sys.argv[1])) as folder:
    if sys.argv[2:] == ["workspace"]:
        launch.start(folder / "workspace", port=0)
    print(folder, flush=True)
    time.sleep(600)
"""


def _hold(home: Path, *more: str) -> tuple[subprocess.Popen[str], Path]:
    holder = subprocess.Popen([sys.executable, "-c", _HOLDER, str(home), *more], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    return holder, Path(holder.stdout.readline().strip())


def test_a_folder_is_gone_with_its_rehearsal(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), own_folder(tmp_path) as folder:
        (folder / "file").touch()
        raise RuntimeError
    assert not folder.exists()


def test_a_folder_that_is_to_be_kept_outlives_the_next_rehearsal(tmp_path: Path) -> None:
    with own_folder(tmp_path) as folder:
        keep_folder(folder)
    with own_folder(tmp_path):
        assert folder.exists()


def test_two_rehearsals_at_once_leave_each_other_alone(tmp_path: Path) -> None:
    holder, other = _hold(tmp_path)
    try:
        with own_folder(tmp_path) as folder:
            assert folder != other
        assert other.exists()
    finally:
        holder.kill()
        holder.wait()


@pytest.mark.faults
def test_what_a_killed_rehearsal_left_is_removed_by_the_next(tmp_path: Path) -> None:
    from infra.workspace import launch

    holder, left = _hold(tmp_path, "workspace")
    running = launch.find(left / "workspace")
    assert running is not None
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert running.record.alive, "the workspace outlives who started it"
    with own_folder(tmp_path):
        assert not left.exists()
        assert not running.record.alive
