"""Checks request bodies against databricks-sdk's dataclasses, the way the REST API reads its messages.

Known fields must have their type; numbers may come as strings; unknown fields are dropped, as Databricks drops them.
The result is the body as it was sent, not the dataclass: what was not sent stays unsent.
"""

from __future__ import annotations

import importlib
import types
import typing
from collections.abc import Mapping
from dataclasses import is_dataclass
from enum import Enum
from functools import cache
from typing import Any

from infra.workspace.gateway.errors import BadRequest, MalformedRequest


def parse(message: str, body: object) -> dict[str, Any]:
    """The known fields of `body`; raises MalformedRequest or BadRequest with the path of the first bad one.

    `message` names a dataclass of databricks-sdk, such as `jobs.JobSettings`.
    """
    if not isinstance(body, Mapping):
        raise MalformedRequest("Could not parse request object: expected a JSON object")
    return _object(message_type(message), body, "")


@cache
def message_type(message: str) -> Any:
    """The dataclass of that name. The SDK takes longer to import than a workspace to start: not before it is needed."""
    module, _, name = message.rpartition(".")
    # The package imports its modules: two threads, one at the package and one at a module, would wait for each other.
    importlib.import_module("databricks.sdk")
    return getattr(importlib.import_module(f"databricks.sdk.service.{module}"), name)


@cache
def _hints(message: type) -> dict[str, Any]:
    return typing.get_type_hints(message)


def _object(message: type, body: Mapping[str, Any], path: str) -> dict[str, Any]:
    hints = _hints(message)
    known: dict[str, Any] = {}
    for key, value in body.items():
        if key in hints and value is not None:
            known[key] = _value(hints[key], value, f"{path}.{key}" if path else key)
    return known


def _value(hint: Any, value: Any, path: str) -> Any:
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        inner = [part for part in typing.get_args(hint) if part is not type(None)]
        return _value(inner[0], value, path) if len(inner) == 1 else value
    if origin is list:
        return [
            _value(typing.get_args(hint)[0], item, f"{path}[{position}]")
            for position, item in enumerate(_expect(value, list, "an array", path))
        ]
    if origin is dict:
        inner_hint = typing.get_args(hint)[1]
        members = _expect(value, dict, "an object", path)
        return {str(key): _value(inner_hint, item, f"{path}.{key}") for key, item in members.items()}
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _enumeration(hint, value, path)
    if isinstance(hint, type) and is_dataclass(hint):
        return _object(hint, _expect(value, dict, "an object", path), path)
    return _scalar(hint, value, path)


def _enumeration(hint: type[Enum], value: Any, path: str) -> Any:
    allowed = [str(member.value) for member in hint]
    if value not in allowed:
        raise BadRequest(f"{path}: unknown value {value!r}; known: {', '.join(allowed)}")
    return value


def _scalar(hint: Any, value: Any, path: str) -> Any:
    if hint is bool:
        return _expect(value, bool, "a boolean", path)
    if hint is int:
        if isinstance(value, str) and value.lstrip("-").isdigit():
            return int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise MalformedRequest(f"Could not parse request object: {path}: expected a whole number, got {value!r}")
        return value
    if hint is float:
        return _expect(value, (int, float), "a number", path)
    if hint is str:
        if isinstance(value, bool | int | float):
            return str(value).lower() if isinstance(value, bool) else str(value)
        return _expect(value, str, "a string", path)
    return value


def _expect(value: Any, kind: type | tuple[type, ...], name: str, path: str) -> Any:
    if not isinstance(value, kind):
        raise MalformedRequest(f"Could not parse request object: {path}: expected {name}, got {value!r}")
    return value
