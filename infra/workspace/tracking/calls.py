"""One call of MLflow's REST API, read the way MLflow itself will read it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

from infra.workspace.gateway.errors import BadRequest, MalformedRequest
from infra.workspace.identity.principal import Principal

_HUMP = re.compile(r"(?<=[a-z0-9])([A-Z])")


@dataclass(frozen=True)
class Call:
    """Who calls what with which fields. `fields` has the names of MLflow's messages, in snake case."""

    principal: Principal
    method: str
    path: str
    fields: Mapping[str, Any]
    matched: Mapping[str, str] = field(default_factory=dict)

    def values(self, *names: str) -> list[str]:
        """All that is given under any of the names, in the path or the fields, as text."""
        found: list[str] = []
        for name in names:
            value = self.matched.get(name, self.fields.get(name))
            items = value if isinstance(value, list) else [value]
            for item in items:
                if isinstance(item, str | int) and not isinstance(item, bool):
                    found.append(str(item))
                elif item is not None:
                    raise BadRequest(f"{name} must be text")
        return [value for value in found if value]

    def one(self, name: str) -> str:
        values = self.values(name)
        if len(values) != 1:
            raise BadRequest(f"Missing value for required parameter '{name}'")
        return values[0]


def fields_of(method: str, query: str, body: bytes) -> dict[str, Any]:
    """The fields of a request: a GET's are in its query, others' in a JSON body, a DELETE's in either.

    Raises MalformedRequest where one name comes in two spellings, which two readers could read in two ways.
    """
    fields: dict[str, Any] = {}
    if method in ("GET", "HEAD", "DELETE"):
        for name, value in parse_qsl(query, keep_blank_values=True):
            _put(fields, name, value, repeated=True)
    if method not in ("GET", "HEAD") and body.strip():
        for name, value in _json_object(body).items():
            _put(fields, name, value, repeated=False)
    return fields


def dig(value: Any, *names: str) -> Any:
    """What nested messages hold, each field in either spelling; None where something on the way is missing."""
    for name in names:
        if not isinstance(value, Mapping):
            return None
        value = normalized(value).get(name)
    return value


def normalized(message: Mapping[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in message.items():
        _put(fields, name, value, repeated=False)
    return fields


def items(value: Any) -> Iterable[Mapping[str, Any]]:
    return [normalized(item) for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def artifact_path(path: str) -> str:
    """A path below the artifact root, as the server will open it; BadRequest for any that could mean another."""
    names = path.strip("/").split("/")
    if unquote(path) != path or "\\" in path or any(name in ("", ".", "..") for name in names):
        raise BadRequest(f"Invalid path: {path}")
    return "/".join(names)


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
        if isinstance(found, str):  # old clients encode twice, and MLflow decodes twice
            found = json.loads(found)
    except ValueError as error:
        raise MalformedRequest("the body is not valid JSON") from error
    if not isinstance(found, dict):
        raise MalformedRequest("the body is not a JSON object")
    return found


def _put(fields: dict[str, Any], name: str, value: Any, repeated: bool) -> None:
    snake = _HUMP.sub(r"_\1", name).lower()
    if snake not in fields:
        fields[snake] = value
    elif repeated:
        before = fields[snake]
        fields[snake] = [*before, value] if isinstance(before, list) else [before, value]
    else:
        raise MalformedRequest(f"{snake} is given twice")
