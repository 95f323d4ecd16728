"""SCIM PATCH (RFC 7644, 3.5.2) on a resource's writable attributes, with Databricks' liberties.

Those are: `remove` with a value takes away only the values it names; entries with an empty value count as none;
a simple attribute may arrive as a list with one value object.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from infra.workspace.identity.errors import ScimBadRequest
from infra.workspace.identity.scim_filter import Predicate, parse_filter

MULTI_VALUED = ("members", "entitlements", "roles", "emails")
_WRITABLE = (*MULTI_VALUED, "userName", "displayName", "active", "externalId", "name", "applicationId")
_READ_ONLY = ("groups",)
_IGNORED = frozenset({"schemas", "id", "meta"})
_PATH = re.compile(r"(?P<attribute>[\w$]+)(?:\[(?P<filter>.+)\])?(?:\.(?P<sub>\w+))?", re.DOTALL)

Values = list[dict[str, Any]]


def apply_patch(resource: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """The resource after a PatchOp message, all operations or (ScimBadRequest) none; the argument stays as it is."""
    operations = body.get("Operations", body.get("operations"))
    if not isinstance(operations, list) or not operations:
        raise ScimBadRequest("a PATCH needs Operations", "invalidSyntax")
    patched = dict(resource)
    for operation in operations:
        if not isinstance(operation, Mapping):
            raise ScimBadRequest("each of Operations is an object", "invalidSyntax")
        _apply(patched, operation)
    return patched


def value_list(value: Any) -> Values:
    """A multi-valued attribute as its list of value objects, without empty and repeated ones."""
    items = value if isinstance(value, list) else [] if value is None else [value]
    found: dict[str, dict[str, Any]] = {}
    for item in items:
        entry = dict(item) if isinstance(item, Mapping) else {"value": item}
        key = str(entry.get("value") or "")
        if key:
            found[key] = {**entry, "value": key}
    return list(found.values())


def _apply(resource: dict[str, Any], operation: Mapping[str, Any]) -> None:
    name, path = str(operation.get("op", "")).lower(), operation.get("path")
    if name not in ("add", "replace", "remove"):
        raise ScimBadRequest(f"op is add, replace or remove, not {operation.get('op')!r}", "invalidSyntax")
    if path:
        _apply_at(resource, name, str(path), operation.get("value"))
        return
    values = operation.get("value")
    if name == "remove":
        raise ScimBadRequest("remove needs a path", "noTarget")
    if not isinstance(values, Mapping):
        raise ScimBadRequest(f"{name} without a path needs an object of attributes", "invalidSyntax")
    for attribute, value in values.items():
        if attribute not in _IGNORED:
            _apply_at(resource, name, attribute, value)


def _apply_at(resource: dict[str, Any], operation: str, path: str, value: Any) -> None:
    attribute, matches, sub = _target(path)
    if attribute in MULTI_VALUED:
        present = value_list(resource.get(attribute))
        resource[attribute] = _multi_valued(operation, path, present, matches, sub, value)
    elif matches is not None:
        raise ScimBadRequest(f"{path}: {attribute} has one value, nothing to choose from", "invalidPath")
    elif sub is not None or attribute == "name":
        resource[attribute] = _complex(operation, path, dict(resource.get(attribute) or {}), sub, value)
    elif operation == "remove":
        resource.pop(attribute, None)
    else:
        resource[attribute] = _unwrapped(value)


def _target(path: str) -> tuple[str, Predicate | None, str | None]:
    head, bracket, rest = path.partition("[")
    match = _PATH.fullmatch(head.rpartition(":")[2] + bracket + rest)
    if match is None:
        raise ScimBadRequest(f"cannot read the path {path!r}", "invalidPath")
    wanted = match["attribute"].lower()
    if any(wanted == name.lower() for name in _READ_ONLY):
        raise ScimBadRequest(f"{match['attribute']} is read-only: change the group's members", "mutability")
    for name in _WRITABLE:
        if name.lower() == wanted:
            return name, parse_filter(match["filter"]) if match["filter"] else None, match["sub"]
    raise ScimBadRequest(
        f"No such attribute with the name : {match['attribute']} in the current resource", "invalidPath"
    )


def _multi_valued(
    operation: str, path: str, present: Values, matches: Predicate | None, sub: str | None, value: Any
) -> Values:
    if matches is not None:
        return _chosen(operation, path, present, matches, sub, value)
    if operation == "replace":
        return value_list(value)
    given = value_list(value)
    if operation == "add":
        return value_list([*present, *given])
    if value is None:
        return []
    return _without(present, (item["value"] for item in given))


def _chosen(operation: str, path: str, present: Values, matches: Predicate, sub: str | None, value: Any) -> Values:
    if operation == "remove" and sub is None:
        return [item for item in present if not matches(item)]
    if not any(matches(item) for item in present):
        raise ScimBadRequest(f"{path}: no value matches", "noTarget")
    if sub is None and not isinstance(value, Mapping):
        raise ScimBadRequest(f"{path}: expected an object", "invalidValue")
    change = {sub: None if operation == "remove" else value} if sub is not None else value
    return value_list([{**item, **change} if matches(item) else item for item in present])


def _without(present: Values, gone: Iterable[str]) -> Values:
    names = set(gone)
    return [item for item in present if item["value"] not in names]


def _complex(operation: str, path: str, present: dict[str, Any], sub: str | None, value: Any) -> dict[str, Any]:
    if operation == "remove":
        return {} if sub is None else {key: kept for key, kept in present.items() if key != sub}
    if sub is not None:
        return {**present, sub: value}
    if not isinstance(value, Mapping):
        raise ScimBadRequest(f"{path}: expected an object", "invalidValue")
    return {**(present if operation == "add" else {}), **value}


def _unwrapped(value: Any) -> Any:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value.get("value") if isinstance(value, Mapping) else value
