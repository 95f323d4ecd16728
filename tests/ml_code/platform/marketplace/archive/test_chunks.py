"""Files in chunks: whole again, stored once, resumed, and refused when they are not what their sums say."""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ml_code.platform.marketplace.archive import chunks
from ml_code.platform.marketplace.archive.archive import Archive
from ml_code.platform.marketplace.archive.chunks import place
from ml_code.platform.marketplace.manifest import Damaged
from tests.ml_code.platform.marketplace.archive.conftest import Address


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "CHUNK", 1000)


def test_what_is_read_is_what_was_put(address: Address) -> None:
    archive = address.open()
    for content in (b"", b"x", os.urandom(1000), os.urandom(1001), os.urandom(12_345)):
        file = archive.put("model/data.bin", [content])
        assert b"".join(archive.read(file)) == content
        assert (file.path, file.size, file.sha256) == (
            "model/data.bin",
            len(content),
            hashlib.sha256(content).hexdigest(),
        )
        assert len(file.chunks) == -(-len(content) // 1000)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(max_size=2500), max_size=6))
def test_how_it_streams_makes_no_difference(folder: Address, pieces: list[bytes]) -> None:
    archive = folder.open()
    whole = b"".join(pieces)
    file = archive.put("f", pieces)
    assert file == folder.open().put("f", [whole])
    assert b"".join(archive.read(file)) == whole


def test_the_same_content_is_stored_once(address: Address) -> None:
    content, heard = os.urandom(3500), []
    first, second = address.open(), address.open()
    file = first.put("a", [content], heard.append)
    assert first.bytes_written == sum(heard) > 3500
    assert second.put("b", [content]) == replace(file, path="b")
    assert second.bytes_written == 0


def test_a_stopped_upload_goes_on_where_it_was(address: Address) -> None:
    content = os.urandom(9_500)

    def broken() -> Iterator[bytes]:
        yield content[:6_200]
        raise ConnectionResetError("the source hung up")

    archive = address.open()
    with pytest.raises(ConnectionResetError):
        archive.put("f", broken())
    before = archive.bytes_written
    assert before > 5_000
    again = address.open()
    file = again.put("f", [content])
    assert b"".join(again.read(file)) == content
    assert again.bytes_written < 9_500 - 5_000


def test_threads_put_and_read_at_once(address: Address) -> None:
    archive = address.open()
    contents = [random.Random(seed).randbytes(5_000 + seed) for seed in range(12)]
    with ThreadPoolExecutor(6) as pool:
        files = list(pool.map(lambda c: archive.put("f", [c[:3_000], c[3_000:]]), contents))
        assert list(pool.map(lambda f: b"".join(archive.read(f)), files)) == contents


def test_a_reader_that_stops_early_leaves_room_for_others(folder: Address) -> None:
    archive = folder.open()
    file = archive.put("f", [os.urandom(20_000)])
    for _ in range(chunks.AHEAD * 3):
        reader = archive.read(file)
        next(reader)
        reader.close()  # type: ignore[attr-defined]
    free = archive._chunks._free
    assert [free.acquire(timeout=5) for _ in range(chunks.AHEAD)] == [True] * chunks.AHEAD


@pytest.mark.parametrize("size", [700, 5_000])
@pytest.mark.parametrize("fault", ["truncated", "other", "gone", "bomb", "noise"])
def test_a_chunk_that_is_not_what_its_name_says_is_refused(folder: Address, fault: str, size: int) -> None:
    archive = folder.open()
    file = archive.put("model/data.bin", [os.urandom(size)])
    chunk = Path(folder.url, place(file.chunks[-1]))
    content = chunk.read_bytes()
    match fault:
        case "truncated":
            chunk.write_bytes(content[:-3])
        case "other":
            chunk.write_bytes(zstandard.compress(b"something else"))
        case "gone":
            chunk.unlink()
        case "bomb":
            chunk.write_bytes(zstandard.compress(bytes(100_000)))
        case "noise":
            chunk.write_bytes(os.urandom(50))
    with pytest.raises(Damaged) as caught:
        list(archive.read(file))
    assert place(file.chunks[-1]) in str(caught.value)
    assert "model/data.bin" in str(caught.value)
    assert "next export" in str(caught.value)


def test_a_truncated_object_is_refused_wherever_it_lies(address: Address) -> None:
    archive = address.open()
    file = archive.put("f", [os.urandom(3_000)])
    storage, path = archive._storage, place(file.chunks[1])
    storage.write(path, (storage.read(path) or b"")[:400])
    with pytest.raises(Damaged, match=f"{path}: part of f, truncated"):
        list(archive.read(file))


def test_nothing_unverified_is_handed_out(folder: Address) -> None:
    archive = folder.open()
    content = os.urandom(5_000)
    file = archive.put("f", [content])
    Path(folder.url, place(file.chunks[2])).write_bytes(b"")
    seen = b""
    with pytest.raises(Damaged):
        for chunk in archive.read(file):
            seen += chunk
    assert seen == content[:2_000]


def test_a_removed_chunk_is_written_anew(folder: Address) -> None:
    content = os.urandom(2_500)
    file = folder.open().put("f", [content])
    Path(folder.url, place(file.chunks[1])).unlink()
    archive = folder.open()
    assert archive.put("f", [content]) == file
    assert b"".join(archive.read(file)) == content


def test_chunks_in_another_order_are_refused(folder: Address) -> None:
    archive = folder.open()
    file = archive.put("f", [os.urandom(2_000)])
    with pytest.raises(Damaged, match="its chunks give 2000 bytes"):
        list(archive.read(replace(file, chunks=file.chunks[::-1])))
    with pytest.raises(Damaged, match="its chunks give 1000 bytes"):
        list(archive.read(replace(file, chunks=file.chunks[:1])))


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 64 + "\n"])
def test_a_name_that_is_no_sum_leads_nowhere(name: str) -> None:
    with pytest.raises(Damaged, match="not the name of a chunk"):
        place(name)


def test_a_transfer_that_was_cut_off_once_is_read_again(folder: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = folder.open()
    file = archive.put("f", [b"content"])
    whole, answers = archive._storage.read, iter([True])

    def cut(path: str) -> bytes | None:
        content = whole(path)
        return content[:5] if content and next(answers, False) else content

    monkeypatch.setattr(archive._storage, "read", cut)
    assert b"".join(archive.read(file)) == b"content"


def test_every_archive_opens_what_another_wrote(address: Address) -> None:
    file = address.open().put("f", [b"content"])
    assert b"".join(Archive.open(address.url, address.options).read(file)) == b"content"
