"""Delta tables as the catalog sees them: made empty for managed tables, and their schema read only when it changed."""

from __future__ import annotations

import json
import os
import re
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from infra.workspace.catalog import columns
from infra.workspace.catalog.columns import Field
from infra.workspace.gateway.errors import BadRequest

_COMMIT = re.compile(r"(\d{20})\.json$")
_TICK_NS = 50_000_000


@dataclass(frozen=True)
class DeltaSchema:
    """What the log says at one version; `columns` as REST tells them."""

    version: int
    columns: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class _Seen:
    changed_ns: int
    looked_ns: int
    schema: DeltaSchema


class DeltaSchemas:
    """Schemas of local Delta tables by folder; one `stat` answers as long as no commit has been added.

    A folder's time of change is coarser than its commits, so a look that came within the same tick as the change is
    not trusted: the listing decides then. Of new commits only the metadata, which few have, is read.
    """

    def __init__(self) -> None:
        self._seen: dict[Path, _Seen] = {}
        self._lock = threading.Lock()

    def read(self, folder: Path) -> DeltaSchema | None:
        """The table's newest schema; None where there is no Delta table (yet)."""
        log = folder / "_delta_log"
        try:
            changed_ns = log.stat().st_mtime_ns
        except OSError:
            return None
        seen = self._seen.get(folder)
        if seen and seen.changed_ns == changed_ns and seen.looked_ns - changed_ns > _TICK_NS:
            return seen.schema
        looked_ns = time.time_ns()
        version = _newest(log)
        if version is None:
            return None
        schema = _advanced(seen.schema, log, version) if seen else _load(folder)
        with self._lock:
            self._seen[folder] = _Seen(changed_ns, looked_ns, schema)
        return schema

    def forget(self, folder: Path) -> None:
        with self._lock:
            self._seen.pop(folder, None)


def create_empty(
    folder: Path,
    fields: Sequence[Field],
    partitions: Sequence[str],
    name: str,
    comment: str | None,
    properties: Mapping[str, str],
) -> None:
    """Makes an empty Delta table, version 0; raises BadRequest for what Delta refuses."""
    import deltalake  # takes as long to import as the rest of a workspace's start: only when a table is made

    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        deltalake.DeltaTable.create(
            str(folder),
            deltalake.Schema.from_json(json.dumps({"type": "struct", "fields": [dict(field) for field in fields]})),
            partition_by=list(partitions) or None,
            name=name,
            description=comment,
            configuration={key: value for key, value in properties.items() if key.startswith("delta.")} or None,
        )
    except (deltalake.exceptions.DeltaError, ValueError) as error:
        raise BadRequest(f"Delta refuses table '{name}': {error}") from error


def _load(folder: Path) -> DeltaSchema:
    import deltalake  # as above

    table = deltalake.DeltaTable(str(folder))
    return _schema(table.version(), table.schema().to_json(), table.metadata().partition_columns)


def _advanced(known: DeltaSchema, log: Path, version: int) -> DeltaSchema:
    """The schema at a later version: a commit that changes it carries a `metaData` action (Delta protocol)."""
    if version < known.version:
        return _load(log.parent)
    found = known
    for each in range(known.version + 1, version + 1):
        try:
            commit = (log / f"{each:020}.json").read_text()
        except FileNotFoundError:  # cleaned up behind a checkpoint
            return _load(log.parent)
        for line in commit.splitlines():
            if '"metaData"' in line and "metaData" in (action := json.loads(line)):
                metadata = action["metaData"]
                found = _schema(each, metadata["schemaString"], metadata["partitionColumns"])
    return replace(found, version=version)


def _schema(version: int, told: str, partitions: Sequence[str]) -> DeltaSchema:
    return DeltaSchema(version, tuple(columns.from_fields(json.loads(told)["fields"], partitions)))


def _newest(log: Path) -> int | None:
    versions = [int(match[1]) for entry in os.scandir(log) if (match := _COMMIT.match(entry.name))]
    return max(versions, default=None)
