"""The export table: every row once, days and workspaces apart, and readable by the hub."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import deltalake
import pytest

from ml_code.platform.errors import StepError
from ml_code.platform.marketplace.archive import exports
from ml_code.platform.marketplace.archive.archive import Archive, StorageError
from ml_code.platform.marketplace.archive.exports import delta_options
from ml_code.platform.marketplace.schema import EXPORTS
from tests.ml_code.platform.marketplace.archive.conftest import Address
from tests.support.proxy import proxy
from tests.support.s3 import S3

DAY = date(2026, 3, 1)


def test_rows_of_days_and_workspaces(address: Address) -> None:
    archive = address.open()
    assert archive.workspaces() == []
    assert archive.exports(None, DAY, DAY).num_rows == 0
    archive.append_exports("w1", [_row("w1", "a", version=3, bytes=7, seconds=0.5), _row("w1", "b", status="skipped")])
    archive.append_exports("w1", [_row("w1", "c", day=DAY + timedelta(1))])
    archive.append_exports("w2", [_row("w2", "a")])
    assert archive.workspaces() == ["w1", "w2"]
    assert _models(archive.exports(None, DAY, DAY)) == ["a", "a", "b"]
    assert _models(archive.exports(["w1"], DAY, DAY + timedelta(1))) == ["a", "b", "c"]
    assert _models(archive.exports(["w1", "never"], DAY + timedelta(1), DAY + timedelta(9))) == ["c"]
    found = archive.exports(["w1"], DAY, DAY)
    assert found.column_names == [column.name for column in EXPORTS]
    row = next(row for row in found.to_pylist() if row["model"] == "a")
    assert row == dict.fromkeys(found.column_names) | _row("w1", "a", version=3, bytes=7, seconds=0.5)


def test_an_exported_manifest_has_one_row(folder: Address) -> None:
    archive = folder.open()
    row = _row("w", "a")
    archive.append_exports("w", [row, row])
    folder.open().append_exports("w", [row, _row("w", "b")])
    archive.append_exports("w", [{**row, "date": DAY + timedelta(1), "run_id": "later"}])
    assert _models(archive.exports(None, DAY, DAY + timedelta(9))) == ["a", "b"]


def test_skipped_and_failed_are_told_every_time(folder: Address) -> None:
    archive = folder.open()
    for status in ("skipped", "failed"):
        archive.append_exports("w", [_row("w", "a", status=status, manifest=None)])
        archive.append_exports("w", [_row("w", "a", status=status, manifest=None)])
    assert archive.exports(None, DAY, DAY).num_rows == 4


def test_two_writers_of_one_workspace_lose_nothing(folder: Address) -> None:
    archives = [folder.open() for _ in range(4)]  # they also make the table at once
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: archives[n % 4].append_exports("w", [_row("w", f"m{n}")]), range(12)))
    assert _models(archives[0].exports(None, DAY, DAY)) == sorted(f"m{n}" for n in range(12))


def test_many_small_files_are_merged(folder: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "_FILES", 5)
    archive = folder.open()
    for number in range(14):
        archive.append_exports("w", [_row("w", f"m{number:02}", day=DAY + timedelta(number))])
    assert len(deltalake.DeltaTable(f"{folder.url}/exports/w").file_uris()) <= 7
    assert _models(archive.exports(None, DAY, DAY + timedelta(99))) == [f"m{number:02}" for number in range(14)]
    assert _models(archive.exports(None, DAY + timedelta(3), DAY + timedelta(4))) == ["m03", "m04"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"colour": "red"}, r"unknown \['colour'\]"),
        ({"model": None}, r"without \['model'\]"),
        ({"workspace": "v"}, "a row of v"),
    ],
)
def test_a_wrong_row_is_refused(folder: Address, change: dict[str, Any], told: str) -> None:
    archive = folder.open()
    with pytest.raises(StepError, match=told):
        archive.append_exports("w", [_row("w", "a"), _row("w", "b") | change])
    assert archive.exports(None, DAY, DAY).num_rows == 0


def test_a_table_that_lost_its_files_is_told(folder: Address) -> None:
    archive = folder.open()
    archive.append_exports("w", [_row("w", "a")])
    next(Path(folder.url, "exports").rglob("*.parquet")).unlink()
    with pytest.raises(StorageError, match="exports/w: the export table cannot be read"):
        archive.exports(None, DAY, DAY)


def test_s3_that_is_read_only_is_told_and_loses_no_row(s3: S3) -> None:
    with proxy(s3.endpoint) as between:
        archive = Archive.open(s3.url("read-only"), s3.behind(between.url).options, create=True)
        archive.append_exports("w", [_row("w", "a")])
        between.fault = lambda method, path: 403 if method == "PUT" else None
        with pytest.raises(StorageError, match="exports/w: the export table cannot be written"):
            archive.append_exports("w", [_row("w", "b")])
        assert _models(archive.exports(None, DAY, DAY)) == ["a"]
        between.fault = lambda method, path: None
        archive.append_exports("w", [_row("w", "b")])
        assert _models(archive.exports(None, DAY, DAY)) == ["a", "b"]


def test_access_as_delta_knows_it() -> None:
    client = {"endpoint_url": "http://127.0.0.1:9", "region_name": "eu-central-1"}
    assert delta_options("s3://b/a", {"key": "k", "secret": "s", "client_kwargs": client}) == {
        "aws_access_key_id": "k",
        "aws_secret_access_key": "s",
        "aws_region": "eu-central-1",
        "aws_endpoint_url": "http://127.0.0.1:9",
        "aws_allow_http": "true",
        "aws_conditional_put": "etag",
    }
    assert delta_options("abfss://c@a.dfs.core.windows.net/x", {"client_id": "i", "tenant_id": "t"}) == {
        "azure_storage_client_id": "i",
        "azure_storage_tenant_id": "t",
    }
    assert delta_options("gs://b/a", {"token": {"type": "service_account"}}) == {
        "google_service_account_key": '{"type": "service_account"}'
    }
    assert delta_options("gs://b/a", {"token": "/key.json"}) == {"google_service_account": "/key.json"}
    assert delta_options("/Volumes/c/s/v", {}) == {"allow_unsafe_rename": "true"}
    assert delta_options("/data/archive", {}) == {}


def _row(workspace: str, model: str, day: date = DAY, **more: Any) -> dict[str, Any]:
    known = {
        "date": day,
        "workspace": workspace,
        "workspace_id": "1",
        "registry": "workspace",
        "model": model,
        "status": "exported",
        "manifest": f"versions/{workspace}/{model}/1/x.json",
        "exported_at": datetime(2026, 3, 1, 12, tzinfo=UTC),
        "run_id": "0",
    }
    return known | more


def _models(table: Any) -> list[str]:
    return sorted(table["model"].to_pylist())
