"""Changes in words and signs, the same for text and Markdown."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from ci.plan.model import SENSITIVE, UNKNOWN, Action, Change, FieldChange, StackPlan

SIGNS = {
    Action.CREATE: "+",
    Action.UPDATE: "~",
    Action.REPLACE: "±",
    Action.DESTROY: "-",
    Action.IMPORT: "<",
    Action.FORGET: "x",
}
VERBS = {
    Action.CREATE: "created",
    Action.UPDATE: "changed",
    Action.REPLACE: "replaced",
    Action.DESTROY: "destroyed",
    Action.IMPORT: "imported",
    Action.FORGET: "forgotten",
}
_LONGEST_VALUE = 160


def counted(changes: Iterable[Change]) -> str:
    """`2 created, 1 changed`, or `no changes`."""
    counts = Counter(change.action for change in changes)
    return ", ".join(f"{counts[action]} {VERBS[action]}" for action in Action if counts[action]) or "no changes"


def stack_in_words(stack: StackPlan) -> str:
    """What becomes of a stack, in one line."""
    return f"cannot be planned: {stack.problem.splitlines()[0]}" if stack.problem else counted(stack.changes)


def change_lines(change: Change) -> Iterator[tuple[str, str]]:
    """The sign and the text of each line that a change takes: the object, then its fields."""
    note = " (must be replaced)" if change.action is Action.REPLACE else ""
    note += f" (imported from {change.import_id})" if change.import_id else ""
    yield SIGNS[change.action], f"{change.address}{note}"
    if change.action is Action.DESTROY:
        return
    for field in change.fields:
        if change.action is not Action.CREATE or not _said_by_default(field):
            yield SIGNS[change.action], f"    {field_in_words(field, made=change.action is Action.CREATE)}"


def field_in_words(field: FieldChange, *, made: bool = False) -> str:
    """`timeout_seconds: 3600 → 7200`."""
    if field.path == SENSITIVE:
        return "a sensitive value"
    forced = "  # forces replacement" if field.forces_replacement else ""
    if made:
        return f"{field.path}: {_value(field.after)}{forced}"
    return f"{field.path}: {_value(field.before)} → {_value(field.after)}{forced}"


def _said_by_default(field: FieldChange) -> bool:
    """What a new object has without anybody's asking says nothing: ids to come, empty values."""
    return field.after in (UNKNOWN, None, "", False, 0)


def _value(value: Any) -> str:
    if value is None:
        return "unset"
    if value in (SENSITIVE, UNKNOWN):
        return str(value)
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}… ({len(text)} characters)"
