"""What the command and the process that does the rehearsing tell each other."""

from __future__ import annotations

from pathlib import Path

from ci.plan.model import Frozen
from ci.rehearsal.model import Commit, Rehearsal

REQUEST, ANSWER, ERRORS = "request.json", "answer.json", "errors.log"


class Request(Frozen):
    """One rehearsal; everything of it lies in `folder`."""

    folder: Path
    environment: str
    environments: tuple[str, ...]
    """Those to deploy: first the one that makes what all share, the rehearsed one last."""
    branch: str
    base: Commit
    change: Commit
    rehearsed: str
    notes: tuple[str, ...]
    day: str
    trials: int | None
    keep: bool
    tools: dict[str, Path]

    @property
    def repository(self) -> Path:
        """The bare repository that the jobs read."""
        return self.folder / "repository.git"

    @property
    def workspace(self) -> Path:
        """The workspace's data folder."""
        return self.folder / "workspace"


class Answer(Frozen):
    """The result, or the trouble that kept it from coming about."""

    rehearsal: Rehearsal | None = None
    trouble: str | None = None


class Progress(Frozen):
    """A part began (no seconds), or ended."""

    step: str
    seconds: float | None = None
    failed: bool = False
