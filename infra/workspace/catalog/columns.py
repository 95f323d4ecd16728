"""Columns as Unity Catalog's REST tells them, from the fields of a Delta schema and back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from infra.workspace.gateway.errors import BadRequest

Field = Mapping[str, Any]
"""A field of a Delta or Spark schema in JSON: name, type, nullable, metadata."""

# Delta's word: (REST's type_name, the word in SQL)
_SIMPLE = {
    "boolean": ("BOOLEAN", "boolean"),
    "byte": ("BYTE", "tinyint"),
    "short": ("SHORT", "smallint"),
    "integer": ("INT", "int"),
    "long": ("LONG", "bigint"),
    "float": ("FLOAT", "float"),
    "double": ("DOUBLE", "double"),
    "string": ("STRING", "string"),
    "binary": ("BINARY", "binary"),
    "date": ("DATE", "date"),
    "timestamp": ("TIMESTAMP", "timestamp"),
    "timestamp_ntz": ("TIMESTAMP_NTZ", "timestamp_ntz"),
    "void": ("NULL", "void"),
    "variant": ("VARIANT", "variant"),
}
_NESTED = {"array": "ARRAY", "map": "MAP", "struct": "STRUCT"}


def from_fields(fields: Sequence[Field], partitions: Sequence[str]) -> list[dict[str, Any]]:
    """REST's `columns` for a Delta schema; a comment is what the field's metadata carries."""
    return [
        _column(field, position, partitions.index(field["name"]) if field["name"] in partitions else None)
        for position, field in enumerate(fields)
    ]


def to_field(column: Mapping[str, Any]) -> dict[str, Any]:
    """A Delta field for one of REST's `columns`; raises BadRequest where the type is not told."""
    name = column.get("name")
    if not name:
        raise BadRequest("a column needs a name")
    metadata = {"comment": column["comment"]} if column.get("comment") else {}
    described = _described(column, str(name))
    return {
        "name": name,
        "type": described.get("type"),
        "nullable": column.get("nullable", True) is not False,
        "metadata": {**(described.get("metadata") or {}), **metadata},
    }


def partitions_of(columns: Sequence[Mapping[str, Any]]) -> list[str]:
    """The partition columns in their order."""
    chosen = [column for column in columns if column.get("partition_index") is not None]
    return [str(column["name"]) for column in sorted(chosen, key=lambda column: int(column["partition_index"]))]


def type_text(kind: Any) -> str:
    """A Delta type as SQL writes it, such as `array<struct<x:int>>`."""
    if isinstance(kind, str):
        return _SIMPLE[kind][1] if kind in _SIMPLE else kind
    if kind["type"] == "array":
        return f"array<{type_text(kind['elementType'])}>"
    if kind["type"] == "map":
        return f"map<{type_text(kind['keyType'])},{type_text(kind['valueType'])}>"
    return "struct<" + ",".join(f"{field['name']}:{type_text(field['type'])}" for field in kind["fields"]) + ">"


def _column(field: Field, position: int, partition: int | None) -> dict[str, Any]:
    kind = field["type"]
    column: dict[str, Any] = {
        "name": field["name"],
        "type_text": type_text(kind),
        "type_json": json.dumps(dict(field)),
        "type_name": _type_name(kind),
        "position": position,
        "nullable": field.get("nullable", True),
    }
    if column["type_name"] == "DECIMAL":
        precision, scale = kind.removeprefix("decimal(").removesuffix(")").split(",")
        column |= {"type_precision": int(precision), "type_scale": int(scale)}
    comment = (field.get("metadata") or {}).get("comment")
    if comment:
        column["comment"] = comment
    if partition is not None:
        column["partition_index"] = partition
    return column


def _type_name(kind: Any) -> str:
    if isinstance(kind, str):
        return "DECIMAL" if kind.startswith("decimal") else _SIMPLE.get(kind, ("STRING", ""))[0]
    return _NESTED[kind["type"]]


def _described(column: Mapping[str, Any], name: str) -> dict[str, Any]:
    """What `type_json` tells, whether it holds the whole field (as Spark and Sail send it) or the type alone."""
    told = column.get("type_json")
    if told:
        try:
            parsed = json.loads(told)
        except ValueError as error:
            raise BadRequest(f"column {name}: type_json is not JSON: {error}") from error
        if isinstance(parsed, dict) and "name" in parsed and "type" in parsed:
            return parsed
        return {"type": parsed}
    text = str(column.get("type_text") or column.get("type_name") or "").lower()
    for word, (rest, sql) in _SIMPLE.items():
        if text in (word, rest.lower(), sql):
            return {"type": word}
    if text.startswith("decimal"):
        return {"type": text.replace(" ", "") if "(" in text else "decimal(10,0)"}
    raise BadRequest(f"column {name}: the type '{text}' needs a type_json")
