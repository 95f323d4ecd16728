"""What Sail, the Spark engine, needs to find Unity Catalog's tables by three-level names.

docs/reference/sail.md tells what works. Sail asks this REST as any client does, with the principal's token. Two of its
habits need care. Where an answer about a managed table carries `table_id`, Sail commits through Unity Catalog's preview
API and writes the `catalogManaged` table feature, which other Delta readers refuse; so look-ups tell Sail no id, and it
writes an ordinary Delta log. And it compares the columns that it has just declared with those of the table made for it,
down to the names of a list's elements; where it is told none it trusts the log.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from infra.workspace.catalog import names
from infra.workspace.catalog.address import PREFIX

SESSION_CATALOG = "session"
_NESTED = ("ARRAY", "MAP", "STRUCT")


def sail_environment(
    config_url: str, token: str, catalogs: Sequence[str], default: str | None = None
) -> dict[str, str]:
    """The environment of a Sail process that sees `catalogs` of the workspace at `config_url` with `token`'s eyes.

    A memory catalog named `session` comes along for temporary things; it is the default where no `default` is given.
    The process should inherit no variable that begins with DATABRICKS_, UNITY_ or UC_: Sail prefers them to the list.
    Raises ValueError if the default is not among the catalogs.
    """
    if default is not None and default not in catalogs:
        raise ValueError(f"the default catalog '{default}' is not one of {', '.join(catalogs) or 'none'}")
    uri = config_url.rstrip("/") + PREFIX
    entries = [
        f'{{name="{name}", type="unity", uri="{uri}", default_catalog="{name}", token="{token}"}}'
        for name in (names.part(catalog, "Catalog") for catalog in catalogs)
        if name != SESSION_CATALOG
    ]
    entries.append(f'{{name="{SESSION_CATALOG}", type="memory", initial_database=["default"]}}')
    return {
        "SAIL_CATALOG__LIST": f"[{', '.join(entries)}]",
        "SAIL_CATALOG__DEFAULT_CATALOG": default or SESSION_CATALOG,
    }


def is_sail(user_agent: str | None) -> bool:
    """Whether a request comes from Sail, which says so."""
    return (user_agent or "").startswith("Sail/")


def looked_up(table: dict[str, Any]) -> dict[str, Any]:
    """A table as Sail is told of it when it looks it up, which it does two to five times for a statement.

    It needs `type_json` of nested types only; wide tables are told in half the bytes without the rest.
    """
    told = {key: value for key, value in table.items() if key != "table_id"}
    if "columns" in told:
        told["columns"] = [_described(column) for column in table["columns"]]
    return told


def _described(column: dict[str, Any]) -> dict[str, Any]:
    if column["type_name"] in _NESTED:
        return column
    return {key: value for key, value in column.items() if key != "type_json"}


def created(table: dict[str, Any]) -> dict[str, Any]:
    """A table as Sail is told of it when it has just created it."""
    return {**table, "columns": []} if table["table_type"] == "MANAGED" else looked_up(table)
