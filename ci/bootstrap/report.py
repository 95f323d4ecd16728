"""How a bootstrap is run, and what it did, step by step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from ci.plan.model import Frozen
from ci.repository import ROOT
from ci.terraform.credentials import Credentials

Did = Literal["made", "changed", "removed", "unchanged", "would make", "would change", "would remove"]

_IN_A_DRY_RUN: dict[Did, Did] = {"made": "would make", "changed": "would change", "removed": "would remove"}


class Step(Frozen):
    """One thing that was looked at; `details` are commands, addresses or names."""

    what: str
    did: Did
    details: tuple[str, ...] = ()

    def line(self) -> str:
        """What was done to what."""
        return f"{self.did:13}{self.what}"


class Report(Frozen):
    """The whole: in a machine's hands the forge's variables are the part that counts."""

    environments: tuple[str, ...]
    steps: tuple[Step, ...]
    forges: dict[str, Any] = Field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Whether anything was done, or would be."""
        return any(step.did != "unchanged" for step in self.steps)


@dataclass
class Way:
    """As whom, from where, and who hears of it: `say` what is under way, `tell` what was done."""

    credentials: Credentials
    say: Callable[[str], None]
    tell: Callable[[str], None]
    dry_run: bool = False
    root: Path = ROOT
    steps: list[Step] = field(default_factory=list)

    @property
    def hear_commands(self) -> Callable[[str], None]:
        """A dry run's commands are its result."""
        return self.tell if self.dry_run else self.hear

    def hear(self, line: str) -> None:
        """Passes a line on to whoever listens now."""
        self.say(line)

    def did(self, what: str, did: Did, details: tuple[str, ...] = (), *, told: bool = False) -> None:
        """Notes a step and tells it; a dry run did nothing, and tells the details unless they are `told` already."""
        step = Step(what=what, did=_IN_A_DRY_RUN.get(did, did) if self.dry_run else did, details=details)
        self.steps.append(step)
        self.tell(step.line())
        if self.dry_run and not told:
            for detail in details:
                self.tell(f"{'':13}{detail}")

    def report(self, environments: tuple[str, ...], forges: dict[str, Any] | None = None) -> Report:
        """All that was done."""
        return Report(environments=environments, steps=tuple(self.steps), forges=forges or {})
