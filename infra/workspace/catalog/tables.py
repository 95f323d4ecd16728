"""Tables: created by engines or by address, described from their Delta log, dropped with their files if managed."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from infra.workspace.catalog import columns, delta, names
from infra.workspace.catalog.core import Core, holder_fields, properties, told
from infra.workspace.catalog.kinds import KINDS
from infra.workspace.catalog.locations import LocationsService
from infra.workspace.catalog.paging import page
from infra.workspace.catalog.securables import Securable
from infra.workspace.catalog.storage import local_path
from infra.workspace.gateway.errors import BadRequest, NotSupported
from infra.workspace.identity.principal import Principal

Body = Mapping[str, Any]
_SCHEMA, _TABLE = KINDS["schema"], KINDS["table"]
_FORMATS = ("DELTA", "CSV", "JSON", "AVRO", "PARQUET", "ORC", "TEXT")


class TablesService:
    """Creates, lists, reads, changes and deletes tables."""

    def __init__(self, core: Core, locations: LocationsService) -> None:
        self._core = core
        self._locations = locations

    def create_staging_table(self, principal: Principal, body: Body) -> dict[str, Any]:
        """Sets aside an id and a folder for a managed table that an engine creates next."""
        schema, name = self._place(principal, body)
        id = str(uuid.uuid4())
        full_name = f"{schema.full_name}.{name}"
        location = self._core.storage.stage(id, full_name, principal.name, self._core.clock.now_ms())
        catalog_name, schema_name = schema.parts()
        return {
            "id": id,
            "name": name,
            "catalog_name": catalog_name,
            "schema_name": schema_name,
            "staging_location": location,
        }

    def create_table(self, principal: Principal, body: Body) -> dict[str, Any]:
        """Adds a table; a managed one is made as an empty Delta table at once, so that any engine finds it readable."""
        schema, name = self._place(principal, body)
        table_format = str(body.get("data_source_format") or "DELTA").upper()
        table_type = str(body.get("table_type") or "").upper()
        if table_format not in _FORMATS:
            raise BadRequest(f"data_source_format must be one of {', '.join(_FORMATS)}")
        if table_type == "MANAGED":
            return self._create_managed(principal, schema, name, table_format, body)
        if table_type == "EXTERNAL":
            return self._create_external(principal, schema, name, table_format, body)
        raise NotSupported(f"POST /api/2.1/unity-catalog/tables with table_type '{table_type or 'none'}'")

    def list_tables(
        self,
        principal: Principal,
        catalog_name: str,
        schema_name: str,
        max_results: int | None,
        page_token: str | None,
        omit_columns: bool = False,
    ) -> dict[str, Any]:
        core = self._core
        schema = core.securables.get(_SCHEMA, f"{_quoted(catalog_name)}.{_quoted(schema_name)}")
        core.access.require_visible(principal, schema)
        seen = core.access.visible(principal, core.securables.children(schema, _TABLE))
        answer = page("tables", seen, max_results, page_token)
        answer["tables"] = [self._answer(table, with_columns=not omit_columns) for table in answer["tables"]]
        return answer

    def list_table_summaries(
        self,
        principal: Principal,
        catalog_name: str,
        schema_pattern: str,
        table_pattern: str,
        max_results: int | None,
        page_token: str | None,
    ) -> dict[str, Any]:
        """Names and types of a catalog's tables; patterns are LIKE's, `%` and `_`."""
        core = self._core
        catalog = core.securables.get(KINDS["catalog"], _quoted(catalog_name))
        core.access.require_visible(principal, catalog)
        found = [
            table
            for schema in core.access.visible(principal, core.securables.children(catalog, _SCHEMA))
            if _like(schema.name, schema_pattern)
            for table in core.access.visible(principal, core.securables.children(schema, _TABLE))
            if _like(table.name, table_pattern)
        ]
        summaries = [{"full_name": table.full_name, "table_type": table.body["table_type"]} for table in found]
        return page("tables", summaries, max_results, page_token)

    def get_table(self, principal: Principal, full_name: str, to_read: bool = False) -> dict[str, Any]:
        """A table's metadata; `to_read` asks in the name of an engine, which needs SELECT or MODIFY, not just sight."""
        table = self._core.securables.get(_TABLE, full_name)
        if to_read:
            self._core.access.require(principal, table, "SELECT", "MODIFY")
        else:
            self._core.access.require_visible(principal, table)
        return self._answer(table)

    def table_exists(self, principal: Principal, full_name: str) -> dict[str, Any]:
        table = self._core.securables.find(_TABLE, full_name)
        if table is not None:
            self._core.access.require_visible(principal, table)
        return {"table_exists": table is not None}

    def update_table(self, principal: Principal, full_name: str, body: Body) -> dict[str, Any]:
        """Changes owner, name, comment, properties, and comments of columns."""
        core = self._core
        table = core.securables.get(_TABLE, full_name)
        core.access.require_manage(principal, table)
        changes: dict[str, Any] = {}
        if "comment" in body:
            changes["comment"] = body["comment"] or None
        if "properties" in body:
            changes["properties"] = properties(body) or None
        if body.get("columns"):
            changes["column_comments"] = self._column_comments(table, body["columns"])
        new_name = names.part(body["new_name"], "Table") if body.get("new_name") else None
        with core.store.write():
            changed = core.securables.change(table, principal, body=changes, name=new_name)
            return self._answer(core.change_owner(principal, changed, body.get("owner")))

    def delete_table(self, principal: Principal, full_name: str) -> None:
        table = self._core.securables.get(_TABLE, full_name)
        self._core.access.require_manage(principal, table)
        self._core.remove(table)

    def columns_of(self, table: Securable) -> list[dict[str, Any]]:
        """The columns as the Delta log has them now, or as registered where there is no log."""
        folder = local_path(table.body.get("storage_location", ""))
        schema = self._core.schemas.read(folder) if folder and table.body["data_source_format"] == "DELTA" else None
        found = table.body.get("columns", []) if schema is None else schema.columns
        comments = table.body.get("column_comments", {})
        return [
            {**column, "comment": comments[column["name"]]} if column["name"] in comments else dict(column)
            for column in found
        ]

    def _place(self, principal: Principal, body: Body) -> tuple[Securable, str]:
        """The schema of a table to be created, with the privilege to do so checked, and the table's name."""
        core = self._core
        name = names.part(body.get("name"), "Table")
        schema = core.securables.get(
            _SCHEMA, f"{_quoted(str(body.get('catalog_name') or ''))}.{_quoted(str(body.get('schema_name') or ''))}"
        )
        core.access.require_use(principal, core.securables.by_id(str(schema.parent)))
        core.access.require_use(principal, schema)
        core.access.require(principal, schema, "CREATE_TABLE")
        if schema.name == "information_schema":
            raise BadRequest(f"Schema '{schema.full_name}' belongs to the system: no table can be created in it")
        return schema, name

    def _create_managed(
        self, principal: Principal, schema: Securable, name: str, table_format: str, body: Body
    ) -> dict[str, Any]:
        core = self._core
        full_name = f"{schema.full_name}.{name}"
        if table_format != "DELTA":
            raise BadRequest(
                f"Managed table '{full_name}' must be a Delta table: say USING delta, or .format('delta') before "
                f"saveAsTable; {table_format} needs an external table"
            )
        if core.securables.find(_TABLE, full_name):
            raise _TABLE.exists(full_name)
        given = str(body.get("storage_location") or "")
        location = given.rstrip("/") or self.create_staging_table(principal, body)["staging_location"]
        id = core.storage.staged(location, full_name, principal.name)
        if id is None:
            raise BadRequest(f"'{given}' is not a staging location of table '{full_name}' for this principal")
        described = list(body.get("columns") or [])
        folder = _local(location)
        if not (folder / "_delta_log").exists():
            delta.create_empty(
                folder,
                [columns.to_field(column) for column in described],
                columns.partitions_of(described),
                name,
                body.get("comment"),
                properties(body),
            )
        with core.store.write():
            table = core.securables.add(
                _TABLE, schema, name, principal, {**_kept(body, "MANAGED", "DELTA"), "storage_location": location}, id
            )
            core.storage.unstage(location)
        return self._answer(table)

    def _create_external(
        self, principal: Principal, schema: Securable, name: str, table_format: str, body: Body
    ) -> dict[str, Any]:
        location = str(body.get("storage_location") or "").rstrip("/")
        if not location:
            raise BadRequest("an external table needs a storage_location")
        self._locations.require_external(principal, location, "CREATE_EXTERNAL_TABLE")
        described = [
            columns.from_fields([columns.to_field(column)], [])[0]
            | {"position": position}
            | ({"partition_index": column["partition_index"]} if column.get("partition_index") is not None else {})
            for position, column in enumerate(body.get("columns") or [])
        ]
        table = self._core.securables.add(
            _TABLE,
            schema,
            name,
            principal,
            {**_kept(body, "EXTERNAL", table_format), "storage_location": location, "columns": described},
        )
        return self._answer(table)

    def _column_comments(self, table: Securable, described: list[Body]) -> dict[str, str]:
        known = {column["name"] for column in self.columns_of(table)}
        unknown = [str(column.get("name")) for column in described if column.get("name") not in known]
        if unknown:
            raise BadRequest(f"Table '{table.full_name}' has no column {', '.join(unknown)}")
        given = {str(column["name"]): str(column["comment"]) for column in described if "comment" in column}
        return {**table.body.get("column_comments", {}), **given}

    def _answer(self, table: Securable, with_columns: bool = True) -> dict[str, Any]:
        body = table.body
        return told(
            {
                **holder_fields(table),
                **table.audit(),
                "table_id": table.id,
                "table_type": body["table_type"],
                "data_source_format": body["data_source_format"],
                "storage_location": body.get("storage_location"),
                "columns": self.columns_of(table) if with_columns else None,
                "comment": body.get("comment"),
                "properties": body.get("properties"),
                "table_constraints": body.get("constraints") or None,
                "metastore_id": self._core.metastore_id,
            }
        )


def _kept(body: Body, table_type: str, table_format: str) -> dict[str, Any]:
    """What of a request stays: comments of columns too, which engines lose when they write a new schema.

    Sail repeats the table's comment among the properties; it is kept once.
    """
    kept = {key: value for key, value in properties(body).items() if key != "comment"}
    comments = {str(column["name"]): column["comment"] for column in body.get("columns") or [] if column.get("comment")}
    return told(
        {
            "table_type": table_type,
            "data_source_format": table_format,
            "comment": body.get("comment"),
            "properties": kept,
            "column_comments": comments,
        }
    )


def _local(location: str) -> Path:
    path = local_path(location)
    if path is None:
        raise BadRequest(f"'{location}' is not on this machine")
    return path


def _quoted(name: str) -> str:
    return name if name.startswith("`") else f"`{name}`"


def _like(name: str, pattern: str) -> bool:
    return not pattern or fnmatchcase(name, pattern.lower().replace("%", "*").replace("_", "?"))
