"""A plan for people: as text for a terminal or a log, as Markdown for a pull request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ci.markdown import cell, clipped, details, fenced
from ci.plan.model import Action, Plan, StackPlan
from ci.plan.words import change_lines, stack_in_words

_COLUMNS = {
    "created": (Action.CREATE,),
    "changed": (Action.UPDATE,),
    "replaced": (Action.REPLACE,),
    "destroyed": (Action.DESTROY,),
    "other": (Action.IMPORT, Action.FORGET),
}
# GitHub and Azure colour the lines of a diff by their first character.
_DIFF = {"±": "-", "~": "!", "<": "#", "x": "#"}


def plan_as_text(plan: Plan) -> str:
    """Every stack with its changes, then the digests that an approval names."""
    return "\n".join([*_text_lines(plan), ""])


def plan_as_markdown(plan: Plan) -> str:
    """A table of counts, then each stack's changes folded away; cut where a comment could not hold it."""
    lines = [f"## Plan of {', '.join(plan.environments)} at `{plan.commit[:12]}`", ""]
    lines += ["| stack | created | changed | replaced | destroyed | other | |", "|---|--:|--:|--:|--:|--:|---|"]
    lines += [_row(stack) for stack in plan.stacks]
    lines.append("")
    if plan.uncommitted:
        lines += [f"> **{len(plan.uncommitted)} uncommitted files** are in this plan; jobs run commits only.", ""]
    for stack in plan.stacks:
        if stack.problem:
            lines += [f"**{stack.stack} cannot be planned**", "", fenced(stack.problem), ""]
        elif stack.changes:
            lines += [details(f"{stack.stack}: {stack_in_words(stack)}", fenced(_diff(stack), "diff")), ""]
    lines += [f"Digest of {name}: `{plan.digest(name)}`  " for name in plan.environments]
    return clipped("\n".join([*lines, ""]))


def _text_lines(plan: Plan) -> Iterator[str]:
    where = f" on {plan.branch}" if plan.branch else ""
    yield f"Plan of {', '.join(plan.environments)} at {plan.commit[:12]}{where}"
    if plan.uncommitted:
        yield f"  {len(plan.uncommitted)} uncommitted files are in this plan; jobs run commits only"
    for stack in plan.stacks:
        yield ""
        yield f"{stack.stack}: {stack_in_words(stack)}"
        if stack.problem:
            yield from (f"  {line}" for line in stack.problem.splitlines()[1:])
        for change in stack.changes:
            for sign, line in change_lines(change):
                yield f"  {sign} {line}"
    yield ""
    for name in plan.environments:
        yield f"digest of {name}: {plan.digest(name)}"


def _row(stack: StackPlan) -> str:
    counts = Counter(change.action for change in stack.changes)
    numbers = [sum(counts[action] for action in actions) for actions in _COLUMNS.values()]
    note = "**cannot be planned**" if stack.problem else "" if stack.changes else "no changes"
    return f"| {cell(stack.stack)} | {' | '.join(str(number or '') for number in numbers)} | {note} |"


def _diff(stack: StackPlan) -> str:
    lines = (pair for change in stack.changes for pair in change_lines(change))
    return "\n".join(f"{_DIFF.get(sign, sign)} {line}" for sign, line in lines)
