"""The Files API and DBFS over databricks-sdk."""

from __future__ import annotations

import io
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
from databricks.sdk.errors import AlreadyExists, BadRequest, DatabricksError, NotFound, PermissionDenied
from hypothesis import given
from hypothesis import strategies as st

from infra.workspace.files.local import LocalRoot
from infra.workspace.gateway.errors import ApiError
from tests.infra.workspace.tracking.rooms import Someone, Workspace

VOLUME = "/Volumes/staging/hrob/landing"


def test_files_and_directories(staging: Someone) -> None:
    files = staging.sdk.files
    files.create_directory(f"{VOLUME}/day")
    files.upload(f"{VOLUME}/day/a b.csv", io.BytesIO(b"0123456789"))
    metadata = files.get_metadata(f"{VOLUME}/day/a b.csv")
    assert metadata.content_length == 10
    contents = files.download(f"{VOLUME}/day/a b.csv").contents
    assert contents is not None
    assert contents.read() == b"0123456789"
    part = staging.http.get(f"/api/2.0/fs/files{VOLUME}/day/a%20b.csv", headers={"Range": "bytes=3-5"})
    assert (part.status_code, part.content) == (206, b"345")
    with pytest.raises(AlreadyExists):
        files.upload(f"{VOLUME}/day/a b.csv", io.BytesIO(b"x"), overwrite=False)
    files.upload(f"{VOLUME}/day/a b.csv", io.BytesIO(b"new"))
    assert [(item.name, item.file_size) for item in files.list_directory_contents(f"{VOLUME}/day")] == [("a b.csv", 3)]
    with pytest.raises(BadRequest):
        files.delete_directory(f"{VOLUME}/day")
    files.delete(f"{VOLUME}/day/a b.csv")
    files.delete_directory(f"{VOLUME}/day")
    with pytest.raises(NotFound):
        files.get_directory_metadata(f"{VOLUME}/day")


def test_a_listing_comes_in_pages(staging: Someone) -> None:
    for number in range(7):
        staging.sdk.files.upload(f"{VOLUME}/{number}", io.BytesIO(b""))
    names = [item.name for item in staging.sdk.files.list_directory_contents(VOLUME, page_size=3)]
    assert names == [str(number) for number in range(7)]


def test_only_who_may_read_reads(staging: Someone, prod: Someone, workspace: Workspace) -> None:
    staging.sdk.files.upload(f"{VOLUME}/x", io.BytesIO(b"x"))
    with pytest.raises(PermissionDenied):
        prod.sdk.files.download(f"{VOLUME}/x")
    with pytest.raises(PermissionDenied):
        list(prod.sdk.files.list_directory_contents(VOLUME))
    with pytest.raises(PermissionDenied):
        prod.sdk.dbfs.delete(f"dbfs:{VOLUME}/x")
    for kind, name, privilege in (
        ("catalog", "staging", "USE_CATALOG"),
        ("schema", "staging.hrob", "USE_SCHEMA"),
        ("volume", "staging.hrob.landing", "READ_VOLUME"),
    ):
        change = {"changes": [{"principal": prod.principal.name, "add": [privilege]}]}
        workspace.catalog.permissions.update_permissions(workspace.admin.principal, kind, name, change)
    assert prod.sdk.files.get_metadata(f"{VOLUME}/x").content_length == 1
    with pytest.raises(PermissionDenied):
        prod.sdk.files.upload(f"{VOLUME}/y", io.BytesIO(b"y"))


@pytest.mark.parametrize("way_out", ["..", "%2e%2e", "a/../../..", "..%2f.."])
def test_no_path_leads_out_of_a_volume(staging: Someone, way_out: str) -> None:
    for method in ("GET", "PUT", "DELETE"):
        answer = staging.http.request(method, f"/api/2.0/fs/files{VOLUME}/{way_out}/store.db", content=b"x")
        assert answer.status_code in (400, 404, 501), (method, answer.text)


def test_symbolic_links_are_not_followed(staging: Someone, workspace: Workspace) -> None:
    location = workspace.catalog.get_volume(workspace.admin.principal, "staging.hrob.landing")["storage_location"]
    folder = Path(location.removeprefix("file://"))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "link").symlink_to(workspace.config.data_dir)
    for path in (f"{VOLUME}/link/workspace.db", f"{VOLUME}/link"):
        with pytest.raises(BadRequest):
            staging.sdk.files.download(path)
    assert list(staging.sdk.files.list_directory_contents(VOLUME)) == []


def test_a_large_upload_falls_back_to_one_piece(staging: Someone) -> None:
    size = 60 * 1024 * 1024
    staging.sdk.files.upload(f"{VOLUME}/large", io.BytesIO(bytes(size)))
    assert staging.sdk.files.get_metadata(f"{VOLUME}/large").content_length == size


def test_memory_does_not_grow_with_the_file(staging: Someone) -> None:
    size, block = 300 * 1024 * 1024, bytes(1024 * 1024)

    def blocks() -> Iterator[bytes]:
        for _ in range(size // len(block)):
            yield block

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert staging.http.put(f"/api/2.0/fs/files{VOLUME}/huge", content=blocks()).status_code == 204
    received = 0
    with staging.http.stream("GET", f"/api/2.0/fs/files{VOLUME}/huge") as answer:
        for chunk in answer.iter_bytes():
            received += len(chunk)
    assert received == size
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 100 * 1024, f"{grown} kB more, for client and server together"


def test_a_broken_upload_leaves_nothing(staging: Someone, workspace: Workspace) -> None:
    def broken() -> Iterator[bytes]:
        yield b"half"
        raise RuntimeError("the line broke")

    with pytest.raises(RuntimeError):
        staging.http.put(f"/api/2.0/fs/files{VOLUME}/half", content=broken())
    with pytest.raises(NotFound):
        staging.sdk.files.get_metadata(f"{VOLUME}/half")


def test_dbfs(staging: Someone) -> None:
    dbfs = staging.sdk.dbfs
    with dbfs.open("/tmp/x/file.bin", write=True, overwrite=True) as opened:
        opened.write(bytes(3_000_000))
    assert dbfs.get_status("/tmp/x/file.bin").file_size == 3_000_000
    with dbfs.open("dbfs:/tmp/x/file.bin", read=True) as opened:
        assert len(opened.read()) > 0
    dbfs.move_("/tmp/x/file.bin", "/tmp/y.bin") if hasattr(dbfs, "move_") else dbfs.move(
        "/tmp/x/file.bin", "/tmp/y.bin"
    )
    assert [item.path for item in dbfs.list("/tmp")] == ["/tmp/x", "/tmp/y.bin"]
    with pytest.raises(DatabricksError):
        dbfs.read("/tmp/../workspace.db")
    dbfs.delete("/tmp", recursive=True)
    assert not dbfs.exists("/tmp")
    answer = staging.http.post("/api/2.0/dbfs/put", json={"path": f"dbfs:{VOLUME}/put", "contents": "eA=="})
    assert answer.status_code == 200
    assert staging.sdk.files.get_metadata(f"{VOLUME}/put").content_length == 1


@given(st.text(alphabet="ab./\\~\x00%", max_size=16))
def test_whatever_the_path_the_root_holds(tmp_path_factory: pytest.TempPathFactory, path: str) -> None:
    root = tmp_path_factory.getbasetemp() / "root"
    root.mkdir(exist_ok=True)
    try:
        resolved = LocalRoot(root, "/shown", root).path(path)
    except ApiError:
        return
    assert resolved.resolve().is_relative_to(root.resolve())
