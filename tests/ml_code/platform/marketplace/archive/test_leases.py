"""One holder at a time: while it lives, while it is silent, and after it was killed."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ml_code.platform.marketplace.archive.archive import Archive, Leased
from tests.ml_code.platform.marketplace.archive.conftest import Address
from tests.support.s3 import S3

ROOT = Path(__file__).parents[5]


def test_the_second_is_told_who_holds_it_and_until_when(address: Address) -> None:
    first, second = address.open(), address.open()
    with first.lease("export w"):
        with pytest.raises(Leased, match=r"lease export w: held by .*, process \d+ until 20\d\d-.*: wait"):
            second.lease("export w").__enter__()
        with second.lease("export v"):
            pass
    for _ in range(5):
        with second.lease("export w"):
            pass
    assert len(first.documents("leases/export%20w")) == 2, "the last and the one before it stay"


def test_it_is_free_again_after_an_error(folder: Address) -> None:
    archive = folder.open()
    with pytest.raises(ValueError, match="x"), archive.lease("w"):
        raise ValueError("x")
    with archive.lease("w"):
        pass


def test_of_many_at_once_one_is_at_work(folder: Address) -> None:
    at_work, most, done = [0], [0], [0]
    lock = threading.Lock()

    def work(_: int) -> None:
        archive = Archive.open(folder.url)
        while True:
            try:
                with archive.lease("w"):
                    with lock:
                        at_work[0] += 1
                        most[0] = max(most[0], at_work[0])
                    time.sleep(0.001)
                    with lock:
                        at_work[0] -= 1
                        done[0] += 1
                    return
            except Leased:
                time.sleep(0.005)

    folder.open()
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(12)))
    assert (most, done) == ([1], [12])


def test_many_take_over_a_lease_that_has_run_out_and_one_gets_it(folder: Address) -> None:
    archive = folder.open()
    for _ in range(5):
        archive.write_document("leases/w/000000000007.json", _foreign(until=time.time() - 1))
        start, stop = threading.Barrier(4), threading.Barrier(4)

        def take(_: int, start: threading.Barrier = start, stop: threading.Barrier = stop) -> bool:
            start.wait()
            try:
                with archive.lease("w"):
                    stop.wait()
                    return True
            except Leased:
                stop.wait()
                return False

        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(take, range(4))).count(True) == 1


def test_of_another_machine_it_is_respected_until_it_runs_out(folder: Address) -> None:
    archive = folder.open()
    archive.write_document("leases/w/000000000001.json", _foreign(until=time.time() + 0.4))
    with pytest.raises(Leased, match="held by elsewhere, process 1"):
        archive.lease("w").__enter__()
    time.sleep(0.5)
    with archive.lease("w"):
        pass


def test_a_killed_process_of_this_machine_holds_nothing(folder: Address) -> None:
    holder = (
        "import sys, time; from ml_code.platform.marketplace.archive.archive import Archive\n"
        "with Archive.open(sys.argv[1], create=True).lease('w'): print(flush=True); time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", holder, folder.url], cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    archive = folder.open()
    with pytest.raises(Leased, match=f"process {process.pid}"):
        archive.lease("w").__enter__()
    process.kill()
    process.wait()
    process.stdout.close()
    with archive.lease("w"):
        pass


def test_it_is_renewed_while_it_is_held(folder: Address) -> None:
    archive = folder.open()
    with archive.lease("w", seconds=0.6):
        for _ in range(6):
            time.sleep(0.2)
            with pytest.raises(Leased):
                archive.lease("w").__enter__()


def test_a_holder_that_lost_it_is_told(folder: Address) -> None:
    archive = folder.open()
    with pytest.raises(Leased, match="run again"), archive.lease("w", seconds=0.3):
        archive.write_document("leases/w/000000000009.json", _foreign(until=time.time() + 60))
        time.sleep(0.4)
    assert archive.documents("leases") == ["leases/w/000000000001.json", "leases/w/000000000009.json"]


def test_a_creation_whose_answer_was_lost_is_a_lease_all_the_same(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = Archive.open(s3.url("lost-answer"), s3.options, create=True)
    files = archive._storage._fs
    create, lost = files.pipe_file, iter([True])

    def hang_up(path: str, content: bytes, **how: str) -> None:
        create(path, content, **how)
        if next(lost, False):
            raise ConnectionResetError("hung up after the write")

    monkeypatch.setattr(files, "pipe_file", hang_up)
    with archive.lease("w"), pytest.raises(Leased):
        archive.lease("w").__enter__()


def test_a_half_written_lease_is_respected_for_a_minute(folder: Address) -> None:
    archive = folder.open()
    half = Path(folder.url, "leases/w/000000000001.json")
    half.parent.mkdir(parents=True)
    half.write_text("{")
    with pytest.raises(Leased, match="an unknown process"):
        archive.lease("w").__enter__()


def _foreign(until: float) -> dict[str, object]:
    return json.loads(
        json.dumps({"token": "t", "holder": "elsewhere, process 1", "process": "boot pid:[1] 1 1", "until": until})
    )
