from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from infra.workspace import launch, process_identity
from infra.workspace.process_identity import start_time
from infra.workspace.record import Record, read_record, write_admin_token


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    started = subprocess.Popen(["sleep", "60"])
    yield started
    started.kill()
    started.wait()


def record_of(pid: int) -> Record:
    started = start_time(pid)
    assert started is not None
    return Record(pid, started, "http://127.0.0.1:9", 9, 10, 77, {"https://git.example.com/p.git": "/p"}, {"db": {}})


def test_what_is_written_is_read_and_others_cannot_read_it(tmp_path: Path) -> None:
    record = record_of(os.getpid())
    record.write(tmp_path)
    assert read_record(tmp_path) == record
    assert (tmp_path / "workspace.json").stat().st_mode & 0o077 == 0
    assert read_record(tmp_path / "elsewhere") is None


def test_a_record_lives_as_long_as_its_process(process: subprocess.Popen[bytes]) -> None:
    record = record_of(process.pid)
    assert record.alive
    assert not replace(record, started="another start").alive, "a later process has the id"
    process.kill()
    process.wait()
    assert not record.alive


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere ps lists a process until it is collected")
def test_a_process_that_has_ended_is_gone_before_it_is_collected(process: subprocess.Popen[bytes]) -> None:
    record = record_of(process.pid)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert not record.alive


def test_a_record_of_an_earlier_version_is_that_of_no_running_workspace(tmp_path: Path) -> None:
    record_of(os.getpid()).write(tmp_path)
    write_admin_token(tmp_path, "token")
    file = tmp_path / "workspace.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "started": 12345.0}))
    kept = read_record(tmp_path)
    assert kept is not None
    assert not kept.alive
    assert kept.port == 9
    assert launch.find(tmp_path) is None


@pytest.mark.skipif(shutil.which("ps") is None, reason="asks ps")
def test_ps_says_the_same_in_every_time_zone_and_language(
    process: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = []
    for zone in ("UTC-9", "UTC+5"):
        monkeypatch.setenv("TZ", zone)
        listed = process_identity._listed_start(process.pid)
        assert listed is not None
        said.append(datetime.strptime(listed, "%a %b %d %H:%M:%S %Y"))
    assert abs(said[0] - said[1]) < timedelta(seconds=5), "Linux' ps computes it anew each time, to a second or so"
    process.kill()
    process.wait()
    assert process_identity._listed_start(process.pid) is None
