"""What a deployment touches and why, part by part: each stack, and the ML code."""

from __future__ import annotations

from typing import Literal

from ci.deployments.record import Deployment
from ci.plan.model import Frozen, Plan, StackPlan
from ci.plan.words import counted

CODE = "ml_code"


class Part(Frozen):
    """One stack or the ML code, compared with the last deployment whose stacks were all applied."""

    name: str
    state: Literal["unchanged", "changed", "drifted"]
    touched: bool
    """Whether this deployment does something about it."""
    why: str


def compare(plan: Plan, last: Deployment | None) -> list[Part]:
    """The parts of a plan of one environment, stacks first."""
    return [*(compare_stack(stack, last) for stack in plan.stacks), _code(plan, last)]


def compare_stack(stack: StackPlan, last: Deployment | None) -> Part:
    """One stack's part."""
    before = last.stacks.get(stack.stack) if last else None
    planned = counted(stack.changes)
    if stack.problem:
        why = "it can be planned once its admin stack is applied"
        return Part(name=stack.stack, state="changed", touched=True, why=why)
    if last is None or before is None:
        found = "not deployed by this command before"
        state: Literal["unchanged", "changed"] = "changed" if stack.changes else "unchanged"
        why = f"{found}: {planned}" if stack.changes else f"{found}, and the workspace has all of it: not applied"
        return Part(name=stack.stack, state=state, touched=bool(stack.changes), why=why)
    since = f"deployment {last.id}"
    if stack.stack_digest != before:
        why = planned if stack.changes else "its definition is another, and the workspace fits it already: not applied"
        return Part(name=stack.stack, state="changed", touched=bool(stack.changes), why=f"{why} since {since}")
    if stack.changes:
        why = f"the same as in {since}, but the workspace differs from it: {planned}"
        return Part(name=stack.stack, state="drifted", touched=True, why=why)
    return Part(name=stack.stack, state="unchanged", touched=False, why=f"the same as in {since}: not applied")


def _code(plan: Plan, last: Deployment | None) -> Part:
    if last is None:
        why = "not deployed by this command before: hooks for code run"
        return Part(name=CODE, state="changed", touched=True, why=why)
    if last.ml_code_digest != plan.ml_code_digest:
        why = f"changed since commit {last.commit[:12]}: hooks for code run"
        return Part(name=CODE, state="changed", touched=True, why=why)
    return Part(name=CODE, state="unchanged", touched=False, why=f"the same as at commit {last.commit[:12]}")
