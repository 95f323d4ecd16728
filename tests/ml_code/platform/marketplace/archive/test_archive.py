"""Manifests, documents and the format of the archive as a whole."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ml_code.platform.errors import StepError
from ml_code.platform.marketplace.archive.archive import Archive
from ml_code.platform.marketplace.manifest import FORMAT, Damaged, Manifest, NewerFormat, StoredFile
from tests.ml_code.platform.marketplace.archive.conftest import Address

Make = Callable[..., Manifest]


def test_a_version_arrives_as_it_was_committed(address: Address, make_manifest: Make) -> None:
    archive = address.open()
    manifest = make_manifest(archive.put("MLmodel", [b"flavors: {}"]), model="main.ml.übung/1", version=3)
    committed = archive.commit(manifest)
    assert archive.commit(manifest) == committed
    other = Archive.open(address.url, address.options)
    assert other.manifests("w") == other.manifests("w", "main.ml.übung/1", 3) == [committed.path]
    assert other.manifest(committed.path, committed.sha256) == manifest
    assert committed.size == len(manifest.to_json())
    assert b"".join(other.read(manifest.model_files[0])) == b"flavors: {}"


def test_manifests_come_by_the_number_of_the_version(folder: Address, make_manifest: Make) -> None:
    archive = folder.open()
    for number in (10, 2, 13, 1):
        archive.commit(make_manifest(version=number))
        archive.commit(make_manifest(version=number, model="m2"))
        archive.commit(make_manifest(version=number, workspace="w2"))
    numbers = [int(path.split("/")[3]) for path in archive.manifests("w", "m")]
    assert numbers == [1, 2, 10, 13]
    assert len(archive.manifests("w")) == 8
    assert len(archive.manifests("w", "m", 1)) == 1, "version 1 is not 10 and 13"


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=40))
def test_any_name_of_a_model_stays_in_its_place(folder: Address, make_manifest: Make, model: str) -> None:
    archive = folder.open()
    committed = archive.commit(make_manifest(model=model))
    assert archive.manifests("w", model, 1) == [committed.path]
    written = Path(folder.url, committed.path).resolve()
    assert written.parents[2] == Path(folder.url, "versions", "w").resolve()


@pytest.mark.parametrize("model", [".", "..", "...", "../../x", "a/../../b"])
def test_dots_lead_nowhere(folder: Address, make_manifest: Make, model: str) -> None:
    archive = folder.open()
    committed = archive.commit(make_manifest(model=model))
    assert Path(folder.url, committed.path).resolve().parents[2] == Path(folder.url, "versions", "w").resolve()
    assert archive.manifests("w", model) == [committed.path]


@pytest.mark.parametrize("workspace", ["", "..", ".hidden", "a/b", "a b", "x" * 101])
def test_a_workspace_has_a_plain_name(folder: Address, make_manifest: Make, workspace: str) -> None:
    archive = folder.open()
    with pytest.raises(StepError, match=r"marketplace\.yaml"):
        archive.commit(make_manifest(workspace=workspace))
    with pytest.raises(StepError, match=r"marketplace\.yaml"):
        archive.append_exports(workspace, [])


@pytest.mark.parametrize("content", [b"", b"{}", b'{"format": 1', b"\xff"])
def test_a_manifest_that_is_not_its_sum_is_refused(folder: Address, make_manifest: Make, content: bytes) -> None:
    archive = folder.open()
    committed = archive.commit(make_manifest())
    with pytest.raises(Damaged, match="should be 0000"):
        archive.manifest(committed.path, "0" * 64)
    Path(folder.url, committed.path).write_bytes(content)
    with pytest.raises(Damaged, match=committed.path):
        archive.manifest(committed.path)
    Path(folder.url, committed.path).unlink()
    with pytest.raises(Damaged, match="no manifest there"):
        archive.manifest(committed.path)


def test_a_damaged_manifest_is_written_anew(address: Address, make_manifest: Make) -> None:
    archive = address.open()
    committed = archive.commit(make_manifest())
    archive._storage.write(committed.path, b"{")
    assert archive.commit(make_manifest()) == committed
    assert archive.manifest(committed.path, committed.sha256) == make_manifest()


def test_a_newer_manifest_says_so(folder: Address, make_manifest: Make) -> None:
    archive = folder.open()
    committed = archive.commit(replace(make_manifest(), format=FORMAT + 1))
    with pytest.raises(NewerFormat, match="bring the hub up to date"):
        archive.manifest(committed.path, committed.sha256)


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a/../../x", "a//b", "a\\b", "", ".", "a\0b"])
def test_a_file_of_a_manifest_leads_nowhere(folder: Address, make_manifest: Make, path: str) -> None:
    archive = folder.open()
    committed = archive.commit(make_manifest(StoredFile(path, 0, hashlib.sha256().hexdigest(), ())))
    with pytest.raises(Damaged, match="not a path below"):
        archive.manifest(committed.path)


def test_an_archive_is_made_only_when_told(address: Address) -> None:
    with pytest.raises(StepError, match="no archive of the marketplace"):
        Archive.open(address.url, address.options)
    address.open()
    Archive.open(address.url, address.options)
    address.open()


@pytest.mark.parametrize(
    ("content", "error", "told"),
    [(json.dumps({"format": 2}), NewerFormat, "has format 2, this code knows up to 1"), ("{", Damaged, "format")],
)
def test_an_archive_of_another_format(folder: Address, content: str, error: type[Exception], told: str) -> None:
    folder.open()
    Path(folder.url, "marketplace.json").write_text(content)
    with pytest.raises(error, match=told):
        folder.open()


def test_documents(address: Address) -> None:
    archive = address.open()
    assert archive.read_document("index.json") is None
    archive.write_document("index.json", {"models": ["ü"]})
    archive.write_document("index.json", {"models": []})
    assert archive.read_document("index.json") == {"models": []}
    archive.write_document("uses/b.json", 2)
    archive.write_document("uses/a/c.json", 3)
    assert archive.documents("uses") == ["uses/a/c.json", "uses/b.json"]
    assert archive.documents("intake") == []


@pytest.mark.parametrize("path", ["/etc/x.json", "../x.json", "a/../../x.json", "x.txt"])
def test_documents_stay_in_the_archive(folder: Address, path: str) -> None:
    archive = folder.open()
    with pytest.raises(StepError, match="relative path"):
        archive.write_document(path, {})
    with pytest.raises(StepError, match="relative path"):
        archive.read_document(path)


def test_a_document_that_is_no_json_is_told(folder: Address) -> None:
    archive = folder.open()
    Path(folder.url, "index.json").write_text("{")
    with pytest.raises(Damaged, match=r"index\.json: not JSON"):
        archive.read_document("index.json")
