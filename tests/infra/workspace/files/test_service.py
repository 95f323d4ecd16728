"""The workspace tree over databricks-sdk."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from databricks.sdk.errors import BadRequest, NotFound, NotImplemented, PermissionDenied, ResourceAlreadyExists
from databricks.sdk.service.workspace import ExportFormat, ImportFormat, Language, ObjectType

from tests.infra.workspace.tracking.rooms import Someone, Workspace

HOME = "/Shared/branchline/staging"


def test_directories_files_and_notebooks(staging: Someone) -> None:
    tree = staging.sdk.workspace
    tree.mkdirs(f"{HOME}/a/b")
    tree.mkdirs(f"/Workspace{HOME}/a/b")
    tree.upload(f"{HOME}/a/plain.txt", b"text", format=ImportFormat.AUTO)
    tree.upload(f"{HOME}/a/job.py", b"# Databricks notebook source\nprint(1)", format=ImportFormat.AUTO)
    tree.import_(f"{HOME}/a/sql", content=base64.b64encode(b"select 1").decode(), language=Language.SQL)
    kinds = {str(item.path): item.object_type for item in tree.list(f"{HOME}/a")}
    assert kinds == {
        f"{HOME}/a/b": ObjectType.DIRECTORY,
        f"{HOME}/a/job": ObjectType.NOTEBOOK,
        f"{HOME}/a/plain.txt": ObjectType.FILE,
        f"{HOME}/a/sql": ObjectType.NOTEBOOK,
    }
    assert tree.download(f"{HOME}/a/plain.txt").read() == b"text"
    exported = base64.b64decode(str(tree.export(f"{HOME}/a/sql", format=ExportFormat.SOURCE).content))
    assert exported == b"-- Databricks notebook source\nselect 1"
    with pytest.raises(NotImplemented, match="DBC"):
        tree.export(f"{HOME}/a/sql", format=ExportFormat.DBC)


def test_a_replaced_file_keeps_its_id_and_its_old_contents_go(staging: Someone, workspace: Workspace) -> None:
    tree = staging.sdk.workspace
    path = f"{HOME}/plain.txt"
    tree.upload(path, b"one", format=ImportFormat.AUTO)
    before = tree.get_status(path)
    with pytest.raises(ResourceAlreadyExists):
        tree.upload(path, b"two", format=ImportFormat.AUTO)
    tree.upload(path, b"three", format=ImportFormat.AUTO, overwrite=True)
    after = tree.get_status(path)
    assert (after.object_id, after.size) == (before.object_id, 5)
    assert len(list((workspace.config.data_dir / "workspace-files").iterdir())) == 1
    tree.delete(path)
    assert list((workspace.config.data_dir / "workspace-files").iterdir()) == []
    with pytest.raises(NotFound):
        tree.get_status(path)


def test_a_directory_with_contents_is_deleted_only_recursively(staging: Someone) -> None:
    tree = staging.sdk.workspace
    tree.mkdirs(f"{HOME}/full/inner")
    with pytest.raises(BadRequest, match="not empty"):
        tree.delete(f"{HOME}/full")
    tree.delete(f"{HOME}/full", recursive=True)
    with pytest.raises(NotFound):
        tree.get_status(f"{HOME}/full/inner")


def test_another_principal_sees_and_changes_nothing(staging: Someone, prod: Someone) -> None:
    staging.sdk.workspace.upload(f"{HOME}/secret.txt", b"s", format=ImportFormat.AUTO)
    tree = prod.sdk.workspace
    for call in (
        lambda: tree.get_status(f"{HOME}/secret.txt"),
        lambda: list(tree.list(HOME)),
        lambda: tree.download(f"{HOME}/secret.txt"),
        lambda: tree.upload(f"{HOME}/secret.txt", b"x", format=ImportFormat.AUTO, overwrite=True),
        lambda: tree.mkdirs(f"{HOME}/mine"),
        lambda: tree.delete(f"{HOME}/secret.txt"),
        lambda: tree.mkdirs("/mine"),
    ):
        with pytest.raises(PermissionDenied):
            call()
    assert [item.path for item in tree.list("/Shared")] == []
    tree.mkdirs("/Shared/prods-own")
    assert [item.path for item in tree.list("/Workspace/Shared")] == ["/Workspace/Shared/prods-own"]


def test_everyone_has_a_home(staging: Someone, prod: Someone) -> None:
    home = f"/Users/{staging.principal.name}"
    staging.sdk.workspace.upload(f"{home}/x.txt", b"x", format=ImportFormat.AUTO)
    assert [item.path for item in staging.sdk.workspace.list("/Users")] == [home]
    with pytest.raises(PermissionDenied):
        prod.sdk.workspace.get_status(home)


@pytest.mark.parametrize("path", ["relative", "/Shared/../Users", "/Shared/./x", "/Shared/a\nb", "/" + "x" * 300])
def test_paths_that_are_none_are_refused(staging: Someone, path: str) -> None:
    answer = staging.http.post("/api/2.0/workspace/mkdirs", json={"path": path})
    assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


def test_import_file_takes_raw_bytes(staging: Someone) -> None:
    address = f"/api/2.0/workspace-files/import-file{HOME}/raw%20name.bin"
    assert staging.http.post(address, content=b"\x00\x01").status_code == 200
    assert staging.sdk.workspace.download(f"{HOME}/raw name.bin").read() == b"\x00\x01"


def test_contents_that_nothing_refers_to_go_at_the_next_start(tmp_path: Path) -> None:
    first = Workspace(tmp_path / "data")
    first.tracking.stop()
    left = tmp_path / "data" / "workspace-files" / "left-by-a-kill"
    left.write_bytes(b"x")
    draft = tmp_path / "data" / "uploads" / "left-by-a-kill"
    draft.write_bytes(b"x")
    Workspace(tmp_path / "data").tracking.stop()
    assert not left.exists()
    assert not draft.exists()
