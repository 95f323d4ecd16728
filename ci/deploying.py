"""What the commands that deploy have in common: which stacks, the question before, the end when they are stopped."""

from __future__ import annotations

import signal
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ci import console
from ci.errors import Trouble

if TYPE_CHECKING:
    from ci.plan.model import Plan
    from ci.terraform.synthesis import Kind

HOOK_FAILED = 4
"""Exit code where everything is deployed, but a hook failed."""


class StackKind(StrEnum):
    """A kind of stack, as an option."""

    ADMIN = "admin"
    PROJECT = "project"


Only = Annotated[StackKind | None, typer.Option(help="Stacks of this kind only.")]


def chosen(only: StackKind | None) -> tuple[Kind, ...]:
    """The kinds that the option leaves."""
    return (only.value,) if only else ("admin", "project")


def agreed(plan: Plan, question: str) -> bool:
    """Shows the plan and asks; raises Trouble where nobody can answer."""
    from ci.plan.render import plan_as_text

    if not sys.stdin.isatty():
        raise Trouble("nobody is there to ask: give --yes, or the digest of an approved plan with --approved")
    console.err.print(plan_as_text(plan), highlight=False)
    return typer.confirm(question, err=True)


def end_in_order() -> None:
    """Lets SIGTERM, by which CI ends a cancelled job, end the command as Ctrl-C does: what was begun is recorded."""
    signal.signal(signal.SIGTERM, _interrupt)


def _interrupt(signal_number: int, frame: Any) -> None:
    raise KeyboardInterrupt
