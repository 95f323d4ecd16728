"""The language of cluster policies: what a definition may say, and what it makes of a cluster's attributes.

Databricks documents it under "Compute policy reference": a definition maps attribute paths (`spark_conf.x`,
`autoscale.max_workers`, `init_scripts.*.workspace.destination`) to a limitation of one of seven types.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from infra.workspace.gateway.errors import BadRequest, NotSupported

Attributes = dict[str, Any]
Rule = Mapping[str, Any]

_KEYS: dict[str, tuple[frozenset[str], frozenset[str]]] = {  # type -> (required keys, further keys)
    "fixed": (frozenset({"value"}), frozenset({"hidden"})),
    "forbidden": (frozenset(), frozenset({"hidden"})),
    "allowlist": (frozenset({"values"}), frozenset({"defaultValue", "isOptional"})),
    "blocklist": (frozenset({"values"}), frozenset({"defaultValue", "isOptional"})),
    "regex": (frozenset({"pattern"}), frozenset({"defaultValue", "isOptional"})),
    "range": (frozenset(), frozenset({"minValue", "maxValue", "defaultValue", "isOptional"})),
    "unlimited": (frozenset(), frozenset({"defaultValue", "isOptional"})),
}
_VIRTUAL = frozenset({"cluster_type"})
_MAPS = ("spark_conf", "spark_env_vars", "custom_tags", "default_tags")


def parse_definition(text: str) -> dict[str, Rule]:
    """Reads a definition; raises BadRequest that names the attribute for anything the language does not have."""
    try:
        definition = json.loads(text)
    except json.JSONDecodeError as error:
        raise BadRequest(f"the policy definition is not valid JSON: {error}") from error
    if not isinstance(definition, dict):
        raise BadRequest("the policy definition must be a JSON object of attribute paths")
    for path, rule in definition.items():
        _check_rule(path, rule)
    return definition


def enforce(definition: Mapping[str, Rule], spec: Mapping[str, Any], cluster_type: str) -> dict[str, Any]:
    """The cluster that a policy makes of `spec`: fixed values filled in, defaults too where the spec asks for them.

    Raises BadRequest with the first attribute that breaks the policy. `cluster_type` is `job`, `all-purpose` or `dlt`.
    """
    attributes = flatten(spec)
    with_defaults = bool(spec.get("apply_policy_default_values"))
    for path, rule in definition.items():
        if path == "cluster_type":
            _check_value(path, rule, cluster_type)
        elif "*" in path:
            for found in [name for name in attributes if fnmatchcase(name, path)]:
                _check_value(found, rule, attributes[found])
        else:
            _apply(path, rule, attributes, with_defaults)
    return unflatten(attributes)


def flatten(spec: Mapping[str, Any]) -> Attributes:
    """A cluster's attributes by policy path."""
    found: Attributes = {}

    def visit(path: str, value: Any) -> None:
        if isinstance(value, Mapping):
            for key, inner in value.items():
                visit(f"{path}\0{key}" if path else str(key), inner)
        elif isinstance(value, list):
            for position, inner in enumerate(value):
                visit(f"{path}\0{position}", inner)
        else:
            found[path] = value

    visit("", spec)
    return {path.replace("\0", "."): value for path, value in found.items()}


def unflatten(attributes: Attributes) -> dict[str, Any]:
    """The inverse of `flatten`; keys of string maps (`spark_conf` and the like) keep their dots."""
    spec: dict[str, Any] = {}
    for path, value in attributes.items():
        head, _, rest = path.partition(".")
        parts = [head, rest] if head in _MAPS and rest else path.split(".")
        target = spec
        for part in parts[:-1]:
            target = target.setdefault(part, {})
        target[parts[-1]] = value
    listed: dict[str, Any] = _lists(spec)
    return listed


def _lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {key: _lists(item) for key, item in value.items()}
    if inner and all(key.isdigit() for key in inner):
        return [inner[key] for key in sorted(inner, key=int)]
    return inner


def _check_rule(path: str, rule: Any) -> None:
    if path == "dbus_per_hour":
        raise NotSupported("cluster policies on dbus_per_hour: the local workspace has no prices")
    if not isinstance(rule, dict) or rule.get("type") not in _KEYS:
        raise BadRequest(f"policy attribute {path!r}: type must be one of {', '.join(sorted(_KEYS))}")
    kind = rule["type"]
    required, further = _KEYS[kind]
    keys = frozenset(rule) - {"type"}
    if missing := required - keys:
        raise BadRequest(f"policy attribute {path!r}: type {kind} needs {', '.join(sorted(missing))}")
    if unknown := keys - required - further - {"hidden"}:
        raise BadRequest(f"policy attribute {path!r}: type {kind} does not know {', '.join(sorted(unknown))}")
    if "values" in rule and not (isinstance(rule["values"], list) and rule["values"]):
        raise BadRequest(f"policy attribute {path!r}: values must be a list that is not empty")
    if kind == "range" and not {"minValue", "maxValue"} & keys:
        raise BadRequest(f"policy attribute {path!r}: type range needs minValue or maxValue")
    if kind == "regex":
        try:
            re.compile(rule["pattern"])
        except re.error as error:
            raise BadRequest(f"policy attribute {path!r}: pattern is no regular expression: {error}") from error


def _apply(path: str, rule: Rule, attributes: Attributes, with_defaults: bool) -> None:
    kind = rule["type"]
    if path in attributes:
        _check_value(path, rule, attributes[path])
    elif kind == "fixed":
        attributes[path] = rule["value"]
    elif kind == "forbidden":
        return
    elif with_defaults and "defaultValue" in rule:
        attributes[path] = rule["defaultValue"]
    elif not rule.get("isOptional", False):
        raise BadRequest(f"Validation failed for {path}, the value must be present")


def _check_value(path: str, rule: Rule, value: Any) -> None:
    problem = _CHECKS[rule["type"]](rule, value)
    if problem:
        raise BadRequest(f"Validation failed for {path}, the value {problem} (is {json.dumps(value)})")


def _same(left: Any, right: Any) -> bool:
    return left == right or _text(left) == _text(right)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _outside(rule: Rule, value: Any) -> str:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return "must be a number"
    if "minValue" in rule and number < rule["minValue"]:
        return f"must be at least {rule['minValue']}"
    if "maxValue" in rule and number > rule["maxValue"]:
        return f"must be at most {rule['maxValue']}"
    return ""


def _listed(rule: Rule, value: Any) -> bool:
    return any(_same(value, allowed) for allowed in rule["values"])


_CHECKS: dict[str, Callable[[Rule, Any], str]] = {
    "fixed": lambda rule, value: "" if _same(rule["value"], value) else f"must be {json.dumps(rule['value'])}",
    "forbidden": lambda rule, value: "must not be present",
    "allowlist": lambda rule, value: "" if _listed(rule, value) else f"must be one of {json.dumps(rule['values'])}",
    "blocklist": lambda rule, value: f"must not be one of {json.dumps(rule['values'])}" if _listed(rule, value) else "",
    "regex": lambda rule, value: (
        "" if re.fullmatch(rule["pattern"], _text(value)) else f"must match {rule['pattern']!r}"
    ),
    "range": _outside,
    "unlimited": lambda rule, value: "",
}
