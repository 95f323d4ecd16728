"""From Terraform's plan (its documented JSON form) to changes that may be shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ci.plan.model import SENSITIVE, UNKNOWN, Action, Change, FieldChange

_ACTIONS = {
    ("create",): Action.CREATE,
    ("update",): Action.UPDATE,
    ("delete",): Action.DESTROY,
    ("delete", "create"): Action.REPLACE,
    ("create", "delete"): Action.REPLACE,
    ("forget",): Action.FORGET,
}
_MISSING: Any = object()


def read_changes(plan: Mapping[str, Any], part: str = "resource_changes") -> tuple[Change, ...]:
    """The managed objects that a plan touches, by address; `part` may also be `resource_drift`."""
    found = [_change(entry) for entry in plan.get(part, []) if entry.get("mode") == "managed"]
    return tuple(sorted((change for change in found if change is not None), key=lambda change: change.address))


def _change(entry: Mapping[str, Any]) -> Change | None:
    change = entry["change"]
    import_id = (change.get("importing") or {}).get("id")
    action = _ACTIONS.get(tuple(change["actions"]), Action.IMPORT if import_id else None)
    if action is None:
        return None
    replaced_by = {_path(steps) for steps in change.get("replace_paths") or []}
    before = _veiled(change.get("before"), change.get("before_sensitive"), False)
    after = _veiled(change.get("after"), change.get("after_sensitive"), change.get("after_unknown"))
    fields = tuple(
        FieldChange(
            path=path,
            before=None if old is _MISSING else old,
            after=None if new is _MISSING else new,
            forces_replacement=any(
                path == cause or path.startswith((f"{cause}.", f"{cause}[")) for cause in replaced_by
            ),
        )
        for path, old, new in _differences("", before, after)
    )
    if _only_secrets_differ(change, fields):
        fields = (FieldChange(path=SENSITIVE, before=SENSITIVE, after=SENSITIVE),)
    return Change(address=entry["address"], type=entry["type"], action=action, fields=fields, import_id=import_id)


def _only_secrets_differ(change: Mapping[str, Any], shown: tuple[FieldChange, ...]) -> bool:
    """Whether an update would show nothing: veiled, both sides of a sensitive value look alike."""
    if shown or tuple(change["actions"]) != ("update",):
        return False
    hidden = _picked(change.get("before"), change.get("before_sensitive"))
    return bool(hidden != _picked(change.get("after"), change.get("after_sensitive")))


def _picked(value: Any, mask: Any) -> Any:
    """Only the sensitive parts."""
    if mask is True:
        return value
    if isinstance(mask, dict) and isinstance(value, dict):
        return {key: _picked(value.get(key), part) for key, part in mask.items()}
    if isinstance(mask, list) and isinstance(value, list):
        return [_picked(old, part) for old, part in zip(value, mask, strict=False)]
    return None


def _veiled(value: Any, sensitive: Any, unknown: Any) -> Any:
    """A value with SENSITIVE and UNKNOWN in the places that Terraform's masks name."""
    if sensitive is True:
        return SENSITIVE
    if unknown is True:
        return UNKNOWN
    if isinstance(value, dict) or (value is None and isinstance(unknown, dict) and unknown):
        known = value or {}
        keys = {*known, *(unknown if isinstance(unknown, dict) else {})}
        return {key: _veiled(known.get(key), _at(sensitive, key), _at(unknown, key)) for key in sorted(keys)}
    if isinstance(value, list):
        return [_veiled(each, _at(sensitive, index), _at(unknown, index)) for index, each in enumerate(value)]
    return value


def _at(mask: Any, key: str | int) -> Any:
    if isinstance(mask, dict):
        return mask.get(str(key), False)
    if isinstance(mask, list) and isinstance(key, int) and key < len(mask):
        return mask[key]
    return False


def _differences(path: str, before: Any, after: Any) -> Iterator[tuple[str, Any, Any]]:
    """The leaves that differ, in order; an object that is made or destroyed has all of its set leaves."""
    if _empty(before) and _empty(after):
        return
    if isinstance(before, dict) or isinstance(after, dict):
        old, new = (side if isinstance(side, dict) else {} for side in (before, after))
        if not (_is_tree(before) and _is_tree(after)):
            yield path, before, after
            return
        for key in sorted({*old, *new}):
            yield from _differences(f"{path}.{key}" if path else key, old.get(key), new.get(key))
    elif isinstance(before, list) or isinstance(after, list):
        if not (_is_tree(before) and _is_tree(after)):
            yield path, before, after
            return
        old_items, new_items = before or [], after or []
        for index in range(max(len(old_items), len(new_items))):
            yield from _differences(
                f"{path}[{index}]",
                old_items[index] if index < len(old_items) else None,
                new_items[index] if index < len(new_items) else None,
            )
    elif before != after:
        yield path, before, after


def _is_tree(value: Any) -> bool:
    return value is None or isinstance(value, (dict, list))


def _empty(value: Any) -> bool:
    """Unset, in the several ways in which Terraform writes it."""
    return value is None or value in ({}, [])


def _path(steps: list[Any]) -> str:
    text = ""
    for step in steps:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text
