"""The export summary: a Delta table per workspace in the archive, one writer each, read by the hub."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import deltalake
import pyarrow as pa
from deltalake.exceptions import TableNotFoundError

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


class Exports:
    """Tables at `exports/<workspace>`, partitioned by date."""

    def __init__(self, storage: Storage, options: Mapping[str, Any]) -> None:
        self._storage = storage
        self._options = delta_options(storage.url, options)

    def append(self, workspace: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Adds rows in one commit; an exported manifest that has its row already gets no second one."""
        for row in rows:
            if (unknown := row.keys() - _NAMES) or (missing := {n for n in _REQUIRED if row.get(n) is None}):
                wrong = f"unknown {sorted(unknown)}" if unknown else f"without {sorted(missing)}"
                raise StepError(f"exports of {workspace}: a row {wrong}; see schema.EXPORTS")
            if row["workspace"] != workspace:
                raise StepError(f"exports of {workspace}: a row of {row['workspace']}")
        known = self._exported(workspace) if any(row["status"] == "exported" for row in rows) else set()
        new = []
        for row in rows:
            if row["status"] == "exported":
                if row.get("manifest") in known:
                    continue
                known.add(row.get("manifest"))
            new.append(row)
        if new:
            self._write(workspace, pa.Table.from_pylist([dict(row) for row in new], schema=SCHEMA))

    def read(self, workspaces: Sequence[str], since: date, through: date) -> pa.Table:
        """Rows of the days, both included; a workspace that never exported has none."""
        days = [("date", ">=", since), ("date", "<=", through)]
        with ThreadPoolExecutor(max_workers=8) as pool:
            tables = list(pool.map(lambda name: self._load(name, SCHEMA.names, days), workspaces))
        return pa.concat_tables([table for table in tables if table is not None] or [SCHEMA.empty_table()])

    def _exported(self, workspace: str) -> set[str | None]:
        table = self._load(workspace, ["manifest"], [("status", "=", "exported")])
        return set(table["manifest"].to_pylist()) if table is not None else set()

    def _load(self, workspace: str, columns: list[str], filters: list[Any]) -> pa.Table | None:
        try:
            table = deltalake.DeltaTable(self._url(workspace), storage_options=self._options)
            found = table.to_pyarrow_table(columns=columns, filters=filters)
        except TableNotFoundError:
            return None
        except (OSError, deltalake.exceptions.DeltaError) as error:
            raise StorageError(f"{self._url(workspace)}: the export table cannot be read: {error}") from error
        return found.cast(pa.schema([SCHEMA.field(name) for name in columns]))

    def _write(self, workspace: str, table: pa.Table) -> None:
        try:
            deltalake.write_deltalake(
                self._url(workspace),
                table,
                mode="append",
                partition_by=["date"],
                description=EXPORTS_COMMENT,
                storage_options=self._options,
            )
        except (OSError, deltalake.exceptions.DeltaError) as error:
            raise StorageError(f"{self._url(workspace)}: the export table cannot be written: {error}") from error

    def _url(self, workspace: str) -> str:
        root = self._storage.folder or self._storage.url.replace("s3a://", "s3://").replace("gcs://", "gs://")
        return f"{root}/exports/{workspace}"


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
