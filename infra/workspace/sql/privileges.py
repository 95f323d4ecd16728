"""What a statement needs: the privileges on each table that it names, found by parsing it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from infra.workspace.gateway.errors import BadRequest, NotSupported

_FILES = frozenset({"delta", "parquet", "csv", "json", "text", "avro", "orc", "binaryfile", "iceberg"})
_READS = (exp.Query, exp.Values, exp.Describe, exp.Show, exp.Use, exp.Set)
_TARGETED: dict[type[exp.Expr], tuple[str, ...]] = {
    exp.Insert: ("MODIFY",),
    exp.Update: ("MODIFY",),
    exp.Delete: ("MODIFY",),
    exp.Merge: ("MODIFY", "SELECT"),
}
_TABLE_FUNCTIONS = frozenset({"range", "explode", "posexplode", "inline", "stack", "sequence"})
_PASSED_ON = ("EXPLAIN", "SHOW", "DESCRIBE", "DESC")


@dataclass(frozen=True)
class Need:
    """One privilege on one securable."""

    securable_type: str
    full_name: str
    privilege: str


def needs(statement: str, catalog: str | None, schema: str | None) -> list[Need]:
    """The privileges that a statement needs; names are completed with `catalog` and `schema`.

    Raises BadRequest for what does not parse or is more than one statement, and NotSupported, naming it, for what the
    local workspace does not run: a statement whose tables cannot be told is not let through.
    """
    parsed = _parse(statement)
    if isinstance(parsed, exp.Command):
        return _passed_on(parsed)
    if isinstance(parsed, exp.Describe | exp.Show | exp.Use | exp.Set):
        return []  # the engine's own look-ups are made with the caller's token
    return list(dict.fromkeys(_needs(parsed, catalog, schema)))


def _parse(statement: str) -> exp.Expr:
    try:
        found = [each for each in sqlglot.parse(statement, dialect="databricks") if each is not None]
    except SqlglotError as error:
        raise BadRequest(f"[PARSE_SYNTAX_ERROR] {str(error).splitlines()[0]}") from error
    if len(found) != 1:
        raise BadRequest(f"exactly one statement is needed, not {len(found)}")
    return found[0]


def _passed_on(command: exp.Command) -> list[Need]:
    word = str(command.this).upper()
    if word not in _PASSED_ON:
        raise NotSupported(f"SQL statement {word}: the local workspace does not run it")
    return []


def _needs(parsed: exp.Expr, catalog: str | None, schema: str | None) -> Iterator[Need]:
    target: exp.Expr | None = None
    if isinstance(parsed, exp.Create | exp.Drop | exp.Alter):
        target = parsed.find(exp.Table)
        yield from _definition(parsed, target, catalog, schema)
    elif type(parsed) in _TARGETED:
        target = _target(parsed)
        for privilege in _TARGETED[type(parsed)]:
            yield Need("table", _full_name(target, catalog, schema), privilege)
    elif not isinstance(parsed, _READS):
        raise NotSupported(f"SQL statement {parsed.key.upper()}: the local workspace does not run it")
    named = {cte.alias.lower() for cte in parsed.find_all(exp.CTE)}
    for table in parsed.find_all(exp.Table):
        if table is target or (not table.db and table.name.lower() in named):
            continue
        if isinstance(table.this, exp.Func):
            _require_harmless(table.this)
            continue
        yield Need("table", _full_name(table, catalog, schema), "SELECT")


def _target(parsed: exp.Expr) -> exp.Table:
    """The table that a statement writes; Insert wraps it in a Schema where columns are named."""
    target = parsed.this
    if isinstance(target, exp.Schema):
        target = target.this
    if not isinstance(target, exp.Table):
        raise NotSupported(f"SQL statement {parsed.key.upper()} into something other than a table")
    return target


def _definition(
    parsed: exp.Create | exp.Drop | exp.Alter, target: exp.Expr | None, catalog: str | None, schema: str | None
) -> Iterator[Need]:
    verb, kind = parsed.key.upper(), str(parsed.args.get("kind") or "").upper()
    several = len(parsed.args.get("tables") or ()) > 1
    if not isinstance(target, exp.Table) or several or kind not in ("TABLE", "SCHEMA", "DATABASE"):
        raise NotSupported(f"SQL statement {verb} {kind}: the local workspace does not run it")
    if kind == "TABLE":
        full_name = _full_name(target, catalog, schema)
        if isinstance(parsed, exp.Create):
            yield Need("schema", full_name.rpartition(".")[0], "CREATE_TABLE")
        else:
            yield Need("table", full_name, "MANAGE")
    else:
        own = [part for part in (target.catalog, target.db, target.name) if part]
        full_name = ".".join(_quote(part) for part in (own if len(own) > 1 else [catalog or "", *own]))
        if isinstance(parsed, exp.Create):
            yield Need("catalog", full_name.rpartition(".")[0], "CREATE_SCHEMA")
        else:
            yield Need("schema", full_name, "MANAGE")


def _full_name(table: exp.Table, catalog: str | None, schema: str | None) -> str:
    if table.db.lower() in _FILES and not table.catalog:
        raise NotSupported(f"SQL on files: {table.db}.`{table.name}`; name a table instead")
    parts = (table.catalog or catalog, table.db or schema, table.name)
    if not all(parts):
        raise BadRequest(f"[TABLE_OR_VIEW_NOT_FOUND] {table.name}: name it as catalog.schema.table, or give both")
    return ".".join(_quote(str(part)) for part in parts)


def _quote(name: str) -> str:
    return f"`{name}`"


def _require_harmless(function: exp.Func) -> None:
    name = (function.name if isinstance(function, exp.Anonymous) else function.key).lower()
    if name not in _TABLE_FUNCTIONS:
        raise NotSupported(f"SQL table function {name}: the local workspace does not run it")
