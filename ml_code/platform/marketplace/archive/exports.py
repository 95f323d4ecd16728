"""The export summary: a Delta table per workspace in the archive, one writer each, read by the hub."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date
from typing import Any

import deltalake
import pyarrow as pa
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from ml_code.platform.errors import StepError
from ml_code.platform.marketplace.archive.storage import Storage, StorageError
from ml_code.platform.marketplace.schema import EXPORTS, EXPORTS_COMMENT

_TYPES = {
    "date": pa.date32(),
    "string": pa.string(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "timestamp": pa.timestamp("us", "UTC"),
}
SCHEMA = pa.schema([pa.field(c.name, _TYPES[c.type], nullable=not c.required) for c in EXPORTS])
_NAMES = {column.name for column in EXPORTS}
_REQUIRED = {column.name for column in EXPORTS if column.required}

_COMMITS = 4
_FILES = 64
"""Files of a table above which they are merged; those that are merged stay a week for readers of former versions."""


class Exports:
    """Tables at `exports/<workspace>`; small files are merged now and then, so that reading stays a few requests."""

    def __init__(self, storage: Storage, options: Mapping[str, Any]) -> None:
        self._storage = storage
        self._options = delta_options(storage.url, options)

    def append(self, workspace: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Adds rows in one commit; an exported manifest that has its row already gets no second one."""
        for row in rows:
            _check(workspace, row)
        try:
            for _ in range(_COMMITS):
                # Two who make the table at once: the second finds it made.
                with suppress(CommitFailedError):
                    return self._append(workspace, rows)
            self._append(workspace, rows)
        except (OSError, DeltaError) as error:
            raise StorageError(f"{self._url(workspace)}: the export table cannot be written: {error}") from error

    def read(self, workspaces: Sequence[str], since: date, through: date) -> pa.Table:
        """Rows of the days, both included; a workspace that never exported has none."""
        with ThreadPoolExecutor(max_workers=8) as pool:
            tables = list(pool.map(lambda name: self._days(name, since, through), workspaces))
        return pa.concat_tables([SCHEMA.empty_table(), *tables])

    def _append(self, workspace: str, rows: Sequence[Mapping[str, Any]]) -> None:
        table = self._open(workspace)
        if new := _without_known(rows, table):
            self._write(table or self._url(workspace), new)
        if table and len(table.file_uris()) > _FILES:
            _tidy(table)

    def _days(self, workspace: str, since: date, through: date) -> pa.Table:
        days = [("date", ">=", since), ("date", "<=", through)]
        try:
            table = self._open(workspace)
            return _columns(table, SCHEMA.names, days) if table else SCHEMA.empty_table()
        except (OSError, DeltaError) as error:
            raise StorageError(f"{self._url(workspace)}: the export table cannot be read: {error}") from error

    def _open(self, workspace: str) -> deltalake.DeltaTable | None:
        try:
            return deltalake.DeltaTable(self._url(workspace), storage_options=self._options)
        except TableNotFoundError:
            return None

    def _write(self, table: deltalake.DeltaTable | str, rows: list[dict[str, Any]]) -> None:
        deltalake.write_deltalake(
            table,
            pa.Table.from_pylist(rows, schema=SCHEMA),
            mode="append",
            description=None if isinstance(table, deltalake.DeltaTable) else EXPORTS_COMMENT,
            storage_options=self._options,
        )

    def _url(self, workspace: str) -> str:
        root = self._storage.folder or self._storage.url.replace("s3a://", "s3://").replace("gcs://", "gs://")
        return f"{root}/exports/{workspace}"


def _check(workspace: str, row: Mapping[str, Any]) -> None:
    missing = sorted(name for name in _REQUIRED if row.get(name) is None)
    if (unknown := sorted(row.keys() - _NAMES)) or missing:
        wrong = f"unknown {unknown}" if unknown else f"without {missing}"
        raise StepError(f"exports of {workspace}: a row {wrong}; see schema.EXPORTS")
    if row["workspace"] != workspace:
        raise StepError(f"exports of {workspace}: a row of {row['workspace']}")


def _without_known(rows: Sequence[Mapping[str, Any]], table: deltalake.DeltaTable | None) -> list[dict[str, Any]]:
    known: set[str] = set()
    if table and any(row["status"] == "exported" for row in rows):
        known = set(_columns(table, ["manifest"], [("status", "=", "exported")])["manifest"].to_pylist())
    new = []
    for row in rows:
        manifest = row.get("manifest") if row["status"] == "exported" else None
        if manifest is None or manifest not in known:
            new.append(dict(row))
        if manifest is not None:
            known.add(manifest)
    return new


def _columns(table: deltalake.DeltaTable, names: list[str], filters: list[Any]) -> pa.Table:
    return table.to_pyarrow_table(columns=names, filters=filters).cast(pa.schema([SCHEMA.field(n) for n in names]))


def _tidy(table: deltalake.DeltaTable) -> None:
    # Two who tidy at once hinder each other; the rows are written, and the next run tidies.
    with suppress(DeltaError):
        table.update_incremental()
        table.optimize.compact()
        table.vacuum(dry_run=False)


def delta_options(url: str, options: Mapping[str, Any]) -> dict[str, str]:
    """The storage options of fsspec as those that Delta's own reader and writer know."""
    kind = url.split("://", 1)[0] if "://" in url else "file"
    if kind in ("s3", "s3a"):
        return _s3(options)
    if kind in ("abfs", "abfss"):
        names = ("account_name", "account_key", "sas_token", "tenant_id", "client_id", "client_secret")
        return {f"azure_storage_{name}": str(options[name]) for name in names if options.get(name)}
    if kind in ("gs", "gcs"):
        token = options.get("token")
        if isinstance(token, Mapping):
            return {"google_service_account_key": json.dumps(dict(token))}
        return {"google_service_account": str(token)} if token else {}
    # Volumes and DBFS are mounts that know no hard links, which Delta takes for its commits otherwise.
    mounted = "/Volumes/" in url or "/dbfs/" in url
    return {"allow_unsafe_rename": "true"} if mounted else {}


def _s3(options: Mapping[str, Any]) -> dict[str, str]:
    client = options.get("client_kwargs") or {}
    endpoint = options.get("endpoint_url") or client.get("endpoint_url")
    known = {
        "aws_access_key_id": options.get("key"),
        "aws_secret_access_key": options.get("secret"),
        "aws_session_token": options.get("token"),
        "aws_region": client.get("region_name"),
        "aws_endpoint_url": endpoint,
        "aws_allow_http": "true" if str(endpoint or "").startswith("http://") else None,
        "aws_skip_signature": "true" if options.get("anon") else None,
        "aws_conditional_put": "etag",
    }
    return {name: str(value) for name, value in known.items() if value}
