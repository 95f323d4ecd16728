"""Results as the Statement Execution API gives them: a schema, and rows of strings in chunks."""

from __future__ import annotations

import base64
import datetime
import decimal
import json
from collections.abc import Sequence
from typing import Any

from infra.workspace.gateway.errors import BadRequest

Row = list[str | None]
CHUNK_ROWS = 10_000


def parameters(items: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Named parameters as values of the types that they declare; the default type is STRING."""
    found: dict[str, Any] = {}
    for item in items:
        name = item.get("name")
        if not name:
            raise BadRequest("parameters need names: positional ones are not part of this API")
        found[str(name)] = _value(str(name), item.get("value"), str(item.get("type") or "STRING").upper())
    return found


def columns(schema: Any) -> list[dict[str, Any]]:
    """The manifest's columns for a Spark schema."""
    return [
        {"name": field.name, "position": position, **_type(field.dataType)}
        for position, field in enumerate(schema.fields)
    ]


def rows(table: Any) -> list[Row]:
    """An Arrow table's rows; every value is a string or null, nested ones are JSON."""
    data = table.to_pydict() if len(set(table.column_names)) == len(table.column_names) else None
    values = list(data.values()) if data is not None else [column.to_pylist() for column in table.columns]
    return [[_text(value) for value in row] for row in zip(*values, strict=True)]


def chunks(found: list[Row]) -> list[list[Row]]:
    return [found[start : start + CHUNK_ROWS] for start in range(0, len(found), CHUNK_ROWS)] or [[]]


def _type(kind: Any) -> dict[str, Any]:
    name = kind.typeName().upper()
    names = {"INTEGER": "INT", "VOID": "NULL"}
    answer: dict[str, Any] = {
        "type_name": names.get(name, name).split("(")[0].split(" ")[0],
        "type_text": kind.simpleString().upper(),
    }
    if hasattr(kind, "precision"):
        answer |= {"type_precision": kind.precision, "type_scale": kind.scale}
    return answer


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime.datetime):
        # Spark's timestamps are instants; they are told in UTC, to the millisecond.
        utc = value.astimezone(datetime.UTC) if value.tzinfo else value
        return utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, list | dict | tuple):
        return json.dumps(_plain(value))
    return str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list) and value and all(isinstance(each, tuple) and len(each) == 2 for each in value):
        return {str(key): _plain(each) for key, each in value}  # a map comes as pairs
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value if isinstance(value, int | float | str | bool | None) else _text(value)


def _value(name: str, value: Any, kind: str) -> Any:
    if value is None:
        return None
    try:
        if kind in ("INT", "INTEGER", "BIGINT", "LONG", "SMALLINT", "SHORT", "TINYINT", "BYTE"):
            return int(value)
        if kind in ("DOUBLE", "FLOAT"):
            return float(value)
        if kind == "BOOLEAN":
            return {"true": True, "false": False}[str(value).lower()]
        if kind == "DATE":
            return datetime.date.fromisoformat(value)
        if kind == "TIMESTAMP":
            return datetime.datetime.fromisoformat(value)
        if kind.startswith("DECIMAL"):
            return decimal.Decimal(value)
    except (ValueError, KeyError, decimal.InvalidOperation) as error:
        raise BadRequest(f"parameter {name}: '{value}' is not a {kind}") from error
    if kind == "STRING":
        return str(value)
    raise BadRequest(f"parameter {name}: type {kind} is not supported")
