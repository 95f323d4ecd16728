"""What differs between a workspace and what was deployed to it."""

from __future__ import annotations

from collections.abc import Iterator

from ci.markdown import cell, clipped, details, fenced
from ci.plan.model import Frozen, StackPlan
from ci.plan.words import change_lines, counted


class Orphan(Frozen):
    """An object with a name or tags of ours that no state knows."""

    kind: str
    name: str
    reason: str


class EnvironmentDrift(Frozen):
    """One environment's; `problem` says why it could not be looked at."""

    environment: str
    commit: str | None = None
    deployment: str | None = None
    """The record whose commit was planned; None: there is none, so what is checked out was."""
    stacks: tuple[StackPlan, ...] = ()
    orphans: tuple[Orphan, ...] = ()
    problem: str | None = None

    @property
    def found(self) -> bool:
        """Whether anything differs."""
        return any(stack.changes for stack in self.stacks) or bool(self.orphans)

    @property
    def in_words(self) -> str:
        """One line."""
        if self.problem:
            return f"unknown: {self.problem.splitlines()[0]}"
        changes = [change for stack in self.stacks for change in stack.changes]
        parts = [f"{counted(changes)} by a repair"] if changes else []
        parts += [f"{len(self.orphans)} orphans"] if self.orphans else []
        return ", ".join(parts) or "none"


class DriftReport(Frozen):
    """All environments that were asked for."""

    environments: tuple[EnvironmentDrift, ...]

    @property
    def found(self) -> bool:
        """Whether anything differs anywhere."""
        return any(each.found for each in self.environments)

    def as_text(self) -> str:
        """For a terminal or a log."""
        return "\n".join(line for each in self.environments for line in _lines(each))

    def as_markdown(self) -> str:
        """For an issue or a chat."""
        lines = ["## Drift", "", "| environment | deployed | drift |", "|---|---|---|"]
        lines += [
            f"| {cell(each.environment)} | {cell((each.commit or '')[:12])} | {cell(each.in_words)} |"
            for each in self.environments
        ]
        for each in self.environments:
            if each.found or each.problem:
                content = fenced("\n".join(_lines(each)))
                lines += ["", details(f"{each.environment}: {each.in_words}", content)]
        return clipped("\n".join([*lines, ""]))


def _lines(each: EnvironmentDrift) -> Iterator[str]:
    of = f" of {each.commit[:12]}" if each.commit else ""
    yield f"{each.environment}{of}: drift {each.in_words}"
    if each.problem:
        yield from (f"  {line}" for line in each.problem.splitlines()[1:])
    if each.commit and not each.deployment:
        yield "  (no deployment is recorded: compared with what is checked out)"
    for stack in each.stacks:
        for change in stack.changes:
            for sign, line in change_lines(change):
                yield f"  {stack.stack}: {sign} {line}"
    for orphan in each.orphans:
        yield f"  orphan: {orphan.kind} {orphan.name}: {orphan.reason}"
