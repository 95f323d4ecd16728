"""Statements of Databricks SQL that the engine takes in other words only."""

from __future__ import annotations

import re
from collections.abc import Callable

import sqlglot
from sqlglot import exp

from infra.workspace.gateway.errors import NotSupported

_REPLACING = re.compile(r"\s*CREATE\s+OR\s+REPLACE\s+TABLE\b", re.IGNORECASE)


def for_engine(statement: str, exists: Callable[[str], bool]) -> str:
    """The statement as the engine takes it; `exists` tells whether it knows a table by the name that it is given.

    The engine's Unity Catalog cannot replace: a table that is not there yet is created, one that is there is left
    alone, and NotSupported says so.
    """
    found = _REPLACING.match(statement)
    if found is None:
        return statement
    target = sqlglot.parse_one(statement, dialect="databricks").find(exp.Table)
    name = ".".join(part.name for part in target.parts) if target is not None else ""
    if exists(name):
        raise NotSupported(f"CREATE OR REPLACE TABLE of {name}, which exists: drop it first")
    return "CREATE TABLE" + statement[found.end() :]
