"""What was merged between two commits of a branch: one entry a pull request, or a commit made without one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ci.repository import git

_RECORD, _FIELD = "\x1e", "\x1f"
_FORMAT = _RECORD + _FIELD.join(("%H", "%P", "%an", "%s", "%b", ""))
# How hosts word the merge of a pull request; the title is in the subject, or the first line below it.
_IN_SUBJECT = (
    re.compile(r"^Merged PR (?P<number>\d+): (?P<title>.+)$"),  # Azure Repos
    re.compile(r"^(?P<title>.+?) \(#(?P<number>\d+)\)$"),  # GitHub, squashed
    re.compile(r"^(?P<title>.+?) \(pull request #(?P<number>\d+)\)$"),  # Bitbucket
)
_TITLE_BELOW = (
    re.compile(r"^Merge pull request #(?P<number>\d+) from (?P<branch>\S+)"),  # GitHub
    re.compile(r"^Merged in (?P<branch>\S+) \(pull request #(?P<number>\d+)\)$"),  # Bitbucket
)
_GITLAB = re.compile(r"^See merge request \S*!(?P<number>\d+)$", re.MULTILINE)


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
    number, title = _pull_request(subject, body)
    heads = parents.split()[1:]
    files = tuple(line for line in names.splitlines() if line)
    return MergedChange(commit, heads[0] if heads else None, title, number, author, files)


def _pull_request(subject: str, body: str) -> tuple[int | None, str]:
    first_line = next((line.strip() for line in body.splitlines() if line.strip()), "")
    for pattern in _TITLE_BELOW:
        if found := pattern.match(subject):
            return int(found["number"]), first_line or found["branch"]
    for pattern in _IN_SUBJECT:
        if found := pattern.match(subject):
            return int(found["number"]), found["title"]
    if found := _GITLAB.search(body):
        return int(found["number"]), subject if first_line.startswith("See merge request") else first_line
    return None, subject
