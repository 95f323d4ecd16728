"""What was merged between two commits of a branch: one entry a pull request, or a commit made without one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ci.pull_requests import number_and_title
from ci.repository import git

_RECORD, _FIELD = "\x1e", "\x1f"
_FORMAT = _RECORD + _FIELD.join(("%H", "%P", "%an", "%s", "%b", ""))


@dataclass(frozen=True)
class MergedChange:
    """One step of a branch; `head` is the last commit of what was merged, None for a commit of the branch's own."""

    commit: str
    head: str | None
    title: str
    pull_request: int | None
    author: str
    files: tuple[str, ...]


def merged_changes(repository: Path, base: str | None, tip: str) -> list[MergedChange]:
    """Oldest first, along the first parents of `tip` down to what `base` has; without a base, from the beginning."""
    span = [tip] if base is None else [tip, f"^{base}"]
    shown = git(
        repository, "-c", "core.quotePath=false", "log", "--first-parent", "-m", "--reverse", "--name-only",
        f"--format={_FORMAT}", *span, "--",
    )  # fmt: skip
    return [_read(record) for record in shown.split(_RECORD)[1:]]


def _read(record: str) -> MergedChange:
    commit, parents, author, subject, body, names = record.split(_FIELD)
    number, title = number_and_title(subject, body)
    heads = parents.split()[1:]
    files = tuple(line for line in names.splitlines() if line)
    return MergedChange(commit, heads[0] if heads else None, title, number, author, files)
