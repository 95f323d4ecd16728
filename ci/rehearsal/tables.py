"""The tables of catalogs: columns from Unity Catalog, rows by SQL, Delta versions from their logs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from ci.errors import Trouble
from ci.rehearsal.model import Column, Table, TablePair
from infra.workspace.launch import Running

_UNITY = "/api/2.1/unity-catalog"
_BUILT_IN = "information_schema"
_TABLES = ("MANAGED", "EXTERNAL")


class Snapshots:
    """Looks at the tables of one workspace."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._warehouse: str | None = None

    def warm(self) -> None:
        """Starts what answers SQL, so that the first count need not wait for it."""
        self._rows("SELECT 1")

    def take(self, catalogs: Sequence[str]) -> dict[str, Table]:
        """Every table by its full name; views are left out."""
        return {str(table["full_name"]): self._look(table) for table in self._tables(catalogs)}

    def _tables(self, catalogs: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        for catalog in catalogs:
            for schema in self._pages("schemas", catalog_name=catalog):
                if schema["name"] != _BUILT_IN:
                    listed = self._pages("tables", catalog_name=catalog, schema_name=schema["name"])
                    yield from (table for table in listed if table.get("table_type") in _TABLES)

    def _pages(self, kind: str, **parameters: str) -> Iterator[Mapping[str, Any]]:
        token = ""
        while True:
            asked = {**parameters, **({"page_token": token} if token else {})}
            answer = self._running.call("GET", f"{_UNITY}/{kind}", params=asked)
            yield from answer.get(kind, [])
            token = answer.get("next_page_token") or ""
            if not token:
                return

    def _look(self, table: Mapping[str, Any]) -> Table:
        names = (table["catalog_name"], table["schema_name"], table["name"])
        quoted = ".".join(f"`{str(name).replace('`', '``')}`" for name in names)
        return Table(
            columns=tuple(
                Column(
                    name=str(column["name"]),
                    type=str(column.get("type_text") or column.get("type_name")),
                    nullable=bool(column.get("nullable", True)),
                )
                for column in table.get("columns", [])
            ),
            rows=int(self._rows(f"SELECT count(*) FROM {quoted}")[0][0]),  # noqa: S608 - a quoted name
            version=newest_version(str(table.get("storage_location") or "")),
            id=table.get("table_id"),
        )

    def _rows(self, statement: str) -> list[list[str]]:
        if self._warehouse is None:
            made = self._running.call("POST", "/api/2.0/sql/warehouses", json={"name": "rehearsal"})
            self._warehouse = str(made["id"])
        body = {"warehouse_id": self._warehouse, "statement": statement, "wait_timeout": "50s"}
        answer = self._running.call("POST", "/api/2.0/sql/statements", json=body)
        if answer["status"]["state"] != "SUCCEEDED":
            raise Trouble(f"{statement}: {answer['status'].get('error', {}).get('message') or answer['status']}")
        rows: list[list[str]] = answer["result"]["data_array"]
        return rows


def newest_version(location: str) -> int | None:
    """The last commit in a table's Delta log, a file for each; None where the table lies on no disk of ours."""
    address = urlsplit(location)
    if address.scheme not in ("", "file"):
        return None
    log = Path(unquote(address.path)) / "_delta_log"
    versions = [int(path.stem) for path in log.glob("*.json") if path.stem.isdigit()]
    return max(versions, default=None)


def pairs(before: Mapping[str, Table], after: Mapping[str, Table]) -> tuple[TablePair, ...]:
    """The tables of both sides, by name."""
    names = sorted({*before, *after})
    return tuple(TablePair(name=name, before=before.get(name), after=after.get(name)) for name in names)
