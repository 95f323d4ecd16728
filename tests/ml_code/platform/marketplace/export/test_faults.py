"""An export whose registry, token or process gives out midway: nothing lost, nothing twice, nothing marked early."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ml_code.platform.marketplace.archive.archive import Archive, StorageError
from ml_code.platform.marketplace.registry import http
from tests.ml_code.platform.marketplace.export.conftest import Content, Exports
from tests.support.proxy import HANG_UP, Proxy, proxy

FILES = "mlflow-artifacts/artifacts/"


@pytest.fixture
def between(exports: Exports) -> Iterator[Proxy]:
    with proxy(exports.url) as found:
        yield found


@pytest.mark.parametrize("status", [429, 503, HANG_UP])
def test_a_server_that_falters_costs_time_and_nothing_else(
    content: Content, exports: Exports, between: Proxy, status: int
) -> None:
    name = content.name("risk")
    content.champion(name)
    left = dict.fromkeys(("runs/get", "get-history", "logged-models", FILES, "model-versions/update"), 2)

    def fault(method: str, path: str) -> int | None:
        found = next((part for part in left if part in path), None)
        if found is None or not left[found]:
            return None
        left[found] -= 1
        return status

    between.fault = fault
    report = exports(between.url)
    assert (report.counts["exported"], report.failures) == (1, ())
    assert not any(left.values())
    assert content.description(name, 1).startswith("Exported Already On")


def test_a_token_that_expires_midway_keeps_what_is_done(content: Content, exports: Exports, between: Proxy) -> None:
    names = [content.name(f"m{number}") for number in range(4)]
    for name in names:
        content.champion(name)
    calls = 0

    def fault(method: str, path: str) -> int | None:
        nonlocal calls
        calls += FILES in path
        return 401 if calls > 10 else None

    between.fault = fault
    report = exports(between.url)
    assert report.counts["failed"] > 0
    assert all("401" in line for line in report.failures)
    assert all("the access has expired" in line for line in report.failures)
    done = {row["model"] for row in exports.rows()}
    assert {row["model"] for row in exports.rows("failed")} == set(names) - done
    assert all(content.description(name, 1) == "" for name in names)  # its token is not good for marking either

    report = exports()
    assert (report.counts, report.failures) == ({"exported": 4, "skipped": 0, "failed": 0}, ())
    assert sorted(row["model"] for row in exports.rows()) == names
    assert all(content.description(name, 1).startswith("Exported") for name in names)


def test_a_version_that_is_deleted_while_it_is_read_is_not_exported(
    content: Content, exports: Exports, between: Proxy
) -> None:
    name = content.name("risk")
    content.champion(name)

    def fault(method: str, path: str) -> int | None:
        if FILES not in path:
            return None
        if content.client.search_model_versions(f"name='{name}'"):
            content.client.delete_model_version(name, "1")
        return 404

    between.fault = fault
    report = exports(between.url)
    (outcome,) = report.outcomes
    assert (outcome.status, outcome.reason) == ("skipped", "deleted during its export")
    assert exports.archive.manifests("dev01") == []


def test_a_file_that_is_gone_is_a_failure_while_its_version_is_there(
    content: Content, exports: Exports, between: Proxy
) -> None:
    content.champion(content.name("risk"))
    between.fault = lambda method, path: 404 if FILES in path else None
    report = exports(between.url)
    assert report.counts["failed"] == 1
    assert "404" in report.failures[0]


def test_a_run_that_is_gone_is_noted_and_the_model_exported(content: Content, exports: Exports, between: Proxy) -> None:
    content.champion(content.name("risk"))
    between.fault = lambda method, path: 404 if "runs/get" in path else None
    assert exports(between.url).counts["exported"] == 1
    manifest = exports.archive.manifest(exports.rows()[0]["manifest"])
    assert manifest.run is None
    assert manifest.version.run_id is not None
    assert "is gone" in manifest.notes[0]
    assert [file.path for file in manifest.model_files] == ["MLmodel", "extra/notes.txt", "weights.bin"]


def test_a_deleted_run_is_exported_and_noted(content: Content, exports: Exports) -> None:
    run_id = content.run({"a.txt": b"a"})
    content.champion(content.name("risk"), run_id=run_id)
    content.client.delete_run(run_id)
    exports()
    manifest = exports.archive.manifest(exports.rows()[0]["manifest"])
    assert manifest.run is not None
    assert manifest.notes == (f"run {run_id} is deleted at the origin",)


def test_killed_after_the_manifests_it_goes_on_with_their_rows(
    content: Content, exports: Exports, between: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [content.name(f"m{number}") for number in range(3)]
    for name in names:
        content.champion(name)

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Archive, "append_exports", killed)
        exports()
    assert (exports.rows(), len(exports.archive.manifests("dev01"))) == ([], 3)
    assert all(content.description(name, 1) == "" for name in names)

    report = exports(between.url)
    assert report.counts["exported"] == 3
    assert not [path for _, path, _ in between.seen if FILES in path]
    assert sorted(row["model"] for row in exports.rows()) == names
    assert all(content.description(name, 1).startswith("Exported") for name in names)


def test_a_version_that_changed_since_the_kill_is_taken_anew(
    content: Content, exports: Exports, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = content.name("risk")
    content.champion(name)
    with monkeypatch.context() as patch, pytest.raises(StorageError):
        patch.setattr(Archive, "append_exports", _full)
        exports()
    content.client.set_model_version_tag(name, "1", "verdict", "promoted")
    exports()
    (row,) = exports.rows()
    assert exports.archive.manifest(row["manifest"]).version.tags == {"verdict": "promoted"}


def test_killed_before_the_marks_it_writes_no_second_row(content: Content, exports: Exports, between: Proxy) -> None:
    name = content.name("risk")
    content.champion(name, description="good")
    between.fault = lambda method, path: 403 if "model-versions/update" in path else None
    report = exports(between.url)
    assert report.counts["exported"] == 1
    assert "exported, but not marked" in report.failures[0]
    assert content.description(name, 1) == "good"

    assert exports().failures == ()
    assert len(exports.rows()) == 1
    assert content.description(name, 1) == "Exported Already On 2026-03-14, previous description: good"


def test_storage_that_is_full_fails_versions_and_marks_none(
    content: Content, exports: Exports, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = content.name("risk")
    content.champion(name)
    with monkeypatch.context() as patch:
        patch.setattr(Archive, "put", _full)
        report = exports()
    assert report.failures == (f"{name} v1: No space left on device",)
    assert content.description(name, 1) == ""
    assert exports().counts["exported"] == 1


def test_nothing_is_exported_where_the_registry_cannot_be_listed(
    content: Content, exports: Exports, between: Proxy
) -> None:
    content.champion(content.name("risk"))
    between.fault = lambda method, path: 403 if "registered-models/search" in path else None
    with pytest.raises(http.Denied, match="403"):
        exports(between.url)
    assert exports.rows() == []
    assert exports().counts["exported"] == 1  # the lease was given back


def _full(*_: Any, **__: Any) -> Any:
    raise StorageError("No space left on device")
