"""Whether what is planned now was approved: all of it, or what an interrupted deployment left of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from ci.plan.model import UNKNOWN, Action, Change, FieldChange, StackPlan

# What may be planned once an approved change was begun.
_REMAINDERS = {
    Action.CREATE: {Action.CREATE, Action.UPDATE},
    Action.REPLACE: {Action.REPLACE, Action.CREATE, Action.UPDATE},
    Action.IMPORT: {Action.IMPORT},
    Action.UPDATE: {Action.UPDATE},
    Action.DESTROY: {Action.DESTROY},
    Action.FORGET: {Action.FORGET},
}


def uncovered(
    now: Sequence[StackPlan], approved: Sequence[StackPlan], tainted: Mapping[str, Collection[str]]
) -> list[str]:
    """Why the stacks' present plans are not a part of the approved ones, a line a reason; empty where they are.

    `tainted` names, by stack, the objects that were created by half. A stack that could not be planned when the plan
    was approved (before its admin stack was applied) is approved by its digest: its objects may be created, no more.
    """
    before = {stack.stack: stack for stack in approved}
    reasons: list[str] = []
    for stack in now:
        known = before.get(stack.stack)
        if known is None:
            reasons.append(f"{stack.stack}: was not in the approved plan")
        elif known.stack_digest != stack.stack_digest:
            reasons.append(f"{stack.stack}: synthesizes to something else than was approved")
        else:
            half_made = tainted.get(stack.stack, ())
            reasons += [f"{stack.stack}: {reason}" for reason in _stack_reasons(stack, known, half_made)]
    return reasons


def _stack_reasons(now: StackPlan, approved: StackPlan, half_made: Collection[str]) -> Iterator[str]:
    if approved.problem and not approved.changes:
        for change in now.changes:
            begun = change.action is Action.REPLACE and change.address in half_made
            if change.action is not Action.CREATE and not begun:
                yield f"{_named(change)}, and only creations were approved: the stack could not be planned then"
        return
    known = {change.address: change for change in approved.changes}
    for change in now.changes:
        before = known.get(change.address)
        if before is None:
            yield f"{_named(change)} was not approved"
        elif not _is_rest_of(change, before, half_made):
            yield f"{_named(change)}, approved was: {before.action}"
        else:
            yield from (f"{_named(change)}: {reason}" for reason in _field_reasons(change, before))


def _is_rest_of(now: Change, approved: Change, half_made: Collection[str]) -> bool:
    """Whether the action is what may be left of the approved one."""
    if approved.action is Action.CREATE and now.action is Action.REPLACE:
        return now.address in half_made
    return now.action in _REMAINDERS[approved.action]


def _field_reasons(now: Change, approved: Change) -> Iterator[str]:
    """Fields that would get another value than the approved one."""
    known = {field.path: field for field in approved.fields}
    planned = {field.path for field in now.fields}
    for field in now.fields:
        before = known.get(field.path)
        if before is None:
            if not _is_open(field.path, known) and field.after not in (None, UNKNOWN):
                yield f"{field.path} was not approved"
        elif before.after not in (field.after, UNKNOWN):
            yield f"{field.path} would be {_shown(field.after)}, approved was {_shown(before.after)}"
    if now.action is Action.CREATE and approved.action is Action.CREATE:
        for path, before in known.items():
            if path not in planned and before.after not in (None, UNKNOWN):
                yield f"{path} would be unset, approved was {_shown(before.after)}"


def _is_open(path: str, known: Mapping[str, FieldChange]) -> bool:
    """Whether the field is part of something that was approved as unknown."""
    return any(field.after == UNKNOWN and path.startswith((f"{above}.", f"{above}[")) for above, field in known.items())


def _named(change: Change) -> str:
    return f"{change.action} {change.address}"


def _shown(value: Any) -> str:
    return "unset" if value is None else str(value)
