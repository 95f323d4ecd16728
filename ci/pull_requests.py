"""Pull requests as git knows them: from the messages that forges give their merges."""

from __future__ import annotations

import re
from pathlib import Path

from ci.repository import git, is_ancestor

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
_FIELD = "\x1f"


def number_and_title(subject: str, body: str) -> tuple[int | None, str]:
    """What a commit's message says of its pull request; without one, no number and the subject."""
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


def pull_request_of(repository: Path, commit: str) -> int | None:
    """The number of the pull request that brought a commit, or None.

    Inside a merged branch it is that of the first merge, on the way to HEAD, that brought the commit in.
    """
    if found := _number(repository, commit):
        return found
    merges = git(repository, "rev-list", "--merges", "--ancestry-path", "--reverse", f"{commit}..HEAD").split()
    bringing = (merge for merge in merges if not is_ancestor(repository, commit, f"{merge}^1"))
    merge = next(bringing, None)
    return None if merge is None else _number(repository, merge)


def _number(repository: Path, commit: str) -> int | None:
    subject, _, body = git(repository, "show", "--no-patch", f"--format=%s{_FIELD}%b", commit).partition(_FIELD)
    return number_and_title(subject, body)[0]
