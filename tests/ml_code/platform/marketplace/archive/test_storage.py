"""Objects are whole or absent, one of several creators wins, and what goes wrong is told with what to do."""

from __future__ import annotations

import errno
import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import zstandard

from ml_code.platform.marketplace.archive.archive import Archive
from ml_code.platform.marketplace.archive.storage import ATTEMPTS, Storage, StorageError
from tests.ml_code.platform.marketplace.archive.conftest import Address
from tests.support.proxy import HANG_UP, Proxy, proxy
from tests.support.s3 import S3

ROOT = Path(__file__).parents[5]


@pytest.fixture
def behind(s3: S3) -> Iterator[tuple[Proxy, Storage]]:
    with proxy(s3.endpoint) as between:
        yield between, Storage(s3.url("faults"), s3.behind(between.url).options, pause=0.001)


def test_objects_by_path(address: Address) -> None:
    storage = Storage(address.url, address.options)
    assert storage.read("a/b.json") is None
    assert not storage.exists("a/b.json")
    storage.write("a/b.json", b"1")
    storage.write("a/b.json", b"2")
    assert storage.read("a/b.json") == b"2"
    assert not storage.create("a/b.json", b"3")
    assert not storage.add("a/b.json", b"3")
    assert storage.create("a/c/d.json", b"4")
    assert storage.read("a/b.json") == b"2"
    assert storage.find("a") == ["a/b.json", "a/c/d.json"]
    assert storage.folders("a") == ["c"]
    assert storage.find("none") == storage.folders("none") == []
    assert abs(storage.modified("a/b.json") - time.time()) < 60
    storage.remove("a/b.json")
    storage.remove("a/b.json")
    assert storage.find("a") == ["a/c/d.json"]


def test_of_many_creators_one_wins(folder: Address) -> None:
    storage = Storage(folder.url)
    with ThreadPoolExecutor(16) as pool:
        won = list(pool.map(lambda n: storage.create("name", str(n).encode()), range(64)))
    assert won.count(True) == 1
    assert storage.read("name") == str(won.index(True)).encode()


def test_a_mount_without_hard_links_still_has_one_creator(folder: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: Any) -> None:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(os, "link", no_links)
    storage = Storage(folder.url)
    assert [storage.create("name", b"1"), storage.create("name", b"2")] == [True, False]
    assert storage.read("name") == b"1"


def test_killed_while_writing_leaves_only_whole_chunks(folder: Address) -> None:
    writer = (
        "import random, sys; from ml_code.platform.marketplace.archive.archive import Archive\n"
        "archive = Archive.open(sys.argv[1], create=True); print(flush=True)\n"
        "while True: archive.put('f', [random.randbytes(2**20) for _ in range(20)])\n"
    )
    for _ in range(2):
        process = subprocess.Popen([sys.executable, "-c", writer, folder.url], cwd=ROOT, stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(random.uniform(0.05, 0.4))
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    for chunk in Path(folder.url, "chunks").rglob("*.zst"):
        assert hashlib.sha256(zstandard.decompress(chunk.read_bytes())).hexdigest() == chunk.stem


def test_leftovers_of_the_killed_are_swept_after_a_day(folder: Address) -> None:
    folder.open()
    parts = Path(folder.url, ".parts")
    for name, age in (("old", 90_000), ("new", 10)):
        (parts / name).touch()
        os.utime(parts / name, (time.time() - age,) * 2)
    folder.open()
    assert [part.name for part in parts.iterdir()] == ["new"]


@pytest.mark.parametrize(
    ("number", "told"),
    [(errno.ENOSPC, "the storage is full"), (errno.EDQUOT, "the storage is full"), (errno.EROFS, "read-only")],
)
def test_a_folder_that_is_full_or_read_only(
    folder: Address, monkeypatch: pytest.MonkeyPatch, number: int, told: str
) -> None:
    archive = folder.open()
    kept = archive.put("f", [b"before"])
    calls = []

    def refuse(path: Path, content: bytes) -> int:
        calls.append(path)
        path.touch()
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", refuse)
        with pytest.raises(StorageError, match=told) as caught:
            archive.put("f", [b"content"])
    assert folder.url in str(caught.value)
    assert len(calls) == 1, "a full disk is not tried again"
    assert not list(Path(folder.url, ".parts").iterdir())
    assert b"".join(archive.read(kept)) == b"before"
    assert b"".join(archive.read(archive.put("f", [b"content"]))) == b"content"


@pytest.mark.parametrize("status", [503, 500, 429, HANG_UP])
def test_s3_that_is_busy_is_asked_again(behind: tuple[Proxy, Storage], status: int) -> None:
    between, storage = behind
    between.fail_next(2, status, path="busy")
    storage.write(f"busy/{status}", b"content")
    between.fail_next(2, status, path="busy")
    assert storage.read(f"busy/{status}") == b"content"


def test_s3_that_asks_for_time_gets_it(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    storage, answers = Storage(s3.url("faults"), s3.options), iter(["7", "3600", "soon", ""])
    monkeypatch.setattr(time, "sleep", pauses.append)

    def busy(path: str, content: bytes) -> None:
        if (asked := next(answers, None)) is not None:
            error = OSError(errno.EBUSY, "Please reduce your request rate.")
            headers = {"HTTPHeaders": {"retry-after": asked}}
            error.response = {"Error": {"Code": "SlowDown"}, "ResponseMetadata": headers}  # type: ignore[attr-defined]
            raise error

    monkeypatch.setattr(storage._fs, "pipe_file", busy)
    storage.write("x", b"content")
    assert pauses[:2] == [7.0, 60.0]
    assert all(0 < pause < 2 for pause in pauses[2:])


def test_s3_that_stays_busy_is_told(behind: tuple[Proxy, Storage]) -> None:
    between, storage = behind
    between.fault = lambda method, path: 503
    with pytest.raises(StorageError, match="writing x") as caught:
        storage.write("x", b"content")
    assert storage.url in str(caught.value)
    assert len(between.seen) == ATTEMPTS


@pytest.mark.parametrize(
    ("status", "told"), [(507, "the storage is full"), (403, "refused or read-only"), (401, "refused or read-only")]
)
def test_s3_that_refuses_is_told_at_once(behind: tuple[Proxy, Storage], status: int, told: str) -> None:
    between, storage = behind
    between.fault = lambda method, path: status if method == "PUT" else None
    for write in (storage.write, storage.create, storage.add):
        with pytest.raises(StorageError, match=told):
            write("x", b"content")
    assert storage.read("x") is None


def test_a_bucket_that_was_never_made(s3: S3) -> None:
    with pytest.raises(StorageError, match="create the bucket"):
        Archive.open("s3://nowhere/archive", s3.options, create=True)


def test_what_is_not_supported_says_so() -> None:
    with pytest.raises(StorageError, match="ftp:// is not supported"):
        Storage("ftp://host/archive")
    with pytest.raises(StorageError, match="see the archive's URL and its secret"):
        Storage("abfss://container@account.dfs.core.windows.net/archive", {"account_name": 3, "nonsense": object()})


def test_what_others_write_is_seen_at_once(address: Address, make_manifest: Callable[..., Any]) -> None:
    mine, other = address.open(), address.open()
    assert mine.manifests("w") == []
    other.commit(make_manifest())
    assert len(mine.manifests("w")) == 1
    other.commit(make_manifest(version=2))
    assert len(mine.manifests("w")) == 2
