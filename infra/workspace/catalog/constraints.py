"""Primary and foreign keys of tables: informational, as on Databricks, but checked when they are declared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.workspace.catalog.core import Core
from infra.workspace.catalog.kinds import KINDS
from infra.workspace.catalog.securables import Securable
from infra.workspace.catalog.tables import TablesService
from infra.workspace.gateway.errors import AlreadyExists, BadRequest, NotFound
from infra.workspace.identity.principal import Principal

Body = Mapping[str, Any]
_TABLE = KINDS["table"]
_FORMS = ("primary_key_constraint", "foreign_key_constraint", "named_table_constraint")


class ConstraintsService:
    """Adds and drops the constraints of tables."""

    def __init__(self, core: Core, tables: TablesService) -> None:
        self._core = core
        self._tables = tables

    def create_constraint(self, principal: Principal, body: Body) -> dict[str, Any]:
        """Adds one constraint; a primary key's columns must exist and be NOT NULL, and a table has one at most."""
        table = self._core.securables.get(_TABLE, str(body.get("full_name_arg") or ""))
        self._core.access.require_manage(principal, table)
        constraint: Body = body.get("constraint") or {}
        forms = [form for form in _FORMS if constraint.get(form)]
        if len(forms) != 1:
            raise BadRequest(f"constraint must hold exactly one of {', '.join(_FORMS)}")
        form, described = forms[0], dict(constraint[forms[0]])
        present = list(table.body.get("constraints", []))
        if not described.get("name"):
            raise BadRequest("a constraint needs a name")
        if any(_name(each) == described["name"] for each in present):
            raise AlreadyExists(f"Constraint '{described['name']}' already exists", "CONSTRAINT_ALREADY_EXISTS")
        if form == "primary_key_constraint":
            self._check_primary_key(table, described, present)
        elif form == "foreign_key_constraint":
            self._check_foreign_key(principal, table, described)
        self._core.securables.change(table, principal, body={"constraints": [*present, {form: described}]})
        return {form: described}

    def delete_constraint(self, principal: Principal, full_name: str, constraint_name: str, cascade: bool) -> None:
        """Drops one constraint; a primary key that foreign keys refer to needs `cascade`, which drops them too."""
        core = self._core
        table = core.securables.get(_TABLE, full_name)
        core.access.require_manage(principal, table)
        present = list(table.body.get("constraints", []))
        kept = [each for each in present if _name(each) != constraint_name]
        if len(kept) == len(present):
            raise NotFound(
                f"Constraint '{constraint_name}' of Table '{table.full_name}' does not exist.",
                "CONSTRAINT_DOES_NOT_EXIST",
            )
        dropped = next(each for each in present if _name(each) == constraint_name)
        referring = self._referring(table) if "primary_key_constraint" in dropped else []
        if referring and not cascade:
            told = ", ".join(other.full_name for other in referring)
            raise BadRequest(
                f"Constraint '{constraint_name}' is referred to by foreign keys of {told}; ask for cascade"
            )
        with core.store.write():
            for other in referring:
                rest = [each for each in other.body["constraints"] if _parent(each) != table.full_name]
                core.securables.change(other, principal, body={"constraints": rest or None})
            if table.id not in {other.id for other in referring}:
                core.securables.change(table, principal, body={"constraints": kept or None})

    def _check_primary_key(self, table: Securable, described: Body, present: list[Any]) -> None:
        if any("primary_key_constraint" in each for each in present):
            raise AlreadyExists(f"Table '{table.full_name}' already has a primary key", "CONSTRAINT_ALREADY_EXISTS")
        self._check_columns(table, described.get("child_columns"), not_null=True)
        timeseries = set(described.get("timeseries_columns") or []) - set(described["child_columns"])
        if timeseries:
            raise BadRequest(f"timeseries_columns {', '.join(sorted(timeseries))} are not part of the primary key")

    def _check_foreign_key(self, principal: Principal, table: Securable, described: Body) -> None:
        parent = self._core.securables.get(_TABLE, str(described.get("parent_table") or ""))
        self._core.access.require(principal, parent, "SELECT", "MANAGE")
        self._check_columns(table, described.get("child_columns"), not_null=False)
        self._check_columns(parent, described.get("parent_columns"), not_null=False)

    def _check_columns(self, table: Securable, wanted: object, not_null: bool) -> None:
        if not isinstance(wanted, list) or not wanted:
            raise BadRequest("a key needs at least one column")
        known = {column["name"]: column for column in self._tables.columns_of(table)}
        missing = [str(name) for name in wanted if name not in known]
        if missing:
            raise BadRequest(f"Table '{table.full_name}' has no column {', '.join(missing)}")
        nullable = [str(name) for name in wanted if not_null and known[name].get("nullable", True)]
        if nullable:
            raise BadRequest(
                f"Cannot create the primary key of '{table.full_name}' because its column(s) "
                f"{', '.join(nullable)} are nullable; declare them NOT NULL"
            )

    def _referring(self, table: Securable) -> list[Securable]:
        everything = self._core.securables.descendants(self._core.securables.metastore)
        return [
            other
            for other in everything
            if other.kind is _TABLE
            and any(_parent(each) == table.full_name for each in other.body.get("constraints", []))
        ]


def _name(constraint: Body) -> str:
    return str(next(iter(constraint.values()))["name"])


def _parent(constraint: Body) -> str | None:
    return (constraint.get("foreign_key_constraint") or {}).get("parent_table")
