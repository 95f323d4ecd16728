"""What the gate asks of git: where a commit stands, what the change declares, who wrote an exception."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ci.errors import Trouble
from ci.repository import find_commit, git, is_ancestor
from infra.policies.environments import is_production
from infra.policies.rule import BranchPosition, Declared

_RELEASE_TAGS = ("v[0-9]*", "release-[0-9]*")
_DECLARATION = re.compile(r"^Destroys:[ \t]*(.*?)[ \t]*$", re.MULTILINE)
_EXACT = re.compile(r'^([a-z][a-z0-9_]*) ([a-z0-9_]+\.[A-Za-z0-9_-]+(?:\["?[^\]*?]+"?\])?)$')
_CO_AUTHOR = re.compile(r"^Co-authored-by:.*<([^>]+)>", re.IGNORECASE | re.MULTILINE)
_UNCOMMITTED = "0" * 40


def position(root: Path, commit: str, branch: str) -> BranchPosition:
    """Where a commit stands on a branch: origin's as last fetched, or this clone's."""
    tips = _tips(root, branch)
    contains = any(is_ancestor(root, commit, tip) for tip in tips)
    return BranchPosition(exists=bool(tips), contains=contains, is_tip=commit in tips)


def find_base(root: Path, environment: str, branch: str, commit: str, given: str | None = None) -> str | None:
    """The commit after which the change of an environment begins; None if the change is the whole history.

    What the environment's branch does not have yet is the change. A commit that it has is applied: its change begins at
    the given base, else at the release before (production), else at its first parent.
    """
    base = None
    if given is not None and (base := find_commit(root, given)) is None:
        raise Trouble(f"base {given} is no commit of this clone: fetch it, or name another with --base")
    tips = _tips(root, branch)
    if tips and not any(is_ancestor(root, commit, tip) for tip in tips):
        return _left(root, commit, tips[0], branch)
    if base is None and is_production(environment):
        base = _release_before(root, commit)
    return base or find_commit(root, f"{commit}^1")


def declarations(root: Path, base: str | None, commit: str) -> tuple[list[Declared], list[tuple[str, str]]]:
    """The losses that the commits after `base` declare, and lines that are meant so and cannot be read."""
    declared: list[Declared] = []
    misdeclared: list[tuple[str, str]] = []
    for sha, message in _messages(root, base, commit):
        for line in _DECLARATION.finditer(message):
            if exact := _EXACT.match(line[1]):
                declared.append(Declared(exact[1], exact[2], sha))
            else:
                misdeclared.append((line[0], sha))
    return declared, misdeclared


def writers(root: Path, file: Path, first_line: int, last_line: int) -> set[str] | None:
    """The mail addresses of those who wrote some lines, co-authors included; None if the clone cannot tell.

    A shallow clone gives what is older than its history to its oldest commits.
    """
    told = git(root, "blame", "--porcelain", "-L", f"{first_line},{last_line}", "--", str(file))
    commits = set(re.findall(r"^([0-9a-f]{40}) \d+ \d+", told, re.MULTILINE))
    if commits & _cut_off(root):
        return None
    found: set[str] = set()
    for commit in commits:
        if commit == _UNCOMMITTED:
            found.add(git(root, "var", "GIT_AUTHOR_IDENT").partition("<")[2].partition(">")[0])
        else:
            message = git(root, "show", "--no-patch", "--format=%aE%n%B", commit)
            found |= {message.partition("\n")[0], *_CO_AUTHOR.findall(message)}
    return {address.strip().lower() for address in found}


def _tips(root: Path, branch: str) -> list[str]:
    refs = (f"refs/remotes/origin/{branch}", f"refs/heads/{branch}")
    return [tip for ref in refs if (tip := find_commit(root, ref))]


def _left(root: Path, commit: str, tip: str, branch: str) -> str:
    """Where a commit's history left a branch."""
    try:
        return git(root, "merge-base", commit, tip)
    except Trouble as error:
        raise Trouble(
            f"{commit[:8]} and {branch} have no commit in common here: fetch the whole history, or rebase onto {branch}"
        ) from error


def _release_before(root: Path, commit: str) -> str | None:
    """The nearest commit before this one that a release's tag names."""
    wanted = [part for pattern in _RELEASE_TAGS for part in ("--match", pattern)]
    try:
        return find_commit(root, git(root, "describe", "--tags", "--abbrev=0", *wanted, f"{commit}^1"))
    except Trouble:
        return None


def _messages(root: Path, base: str | None, commit: str) -> Iterator[tuple[str, str]]:
    span = f"{base}..{commit}" if base else commit
    for entry in git(root, "log", "--format=%H%n%B%x00", span).split("\0"):
        sha, _, message = entry.strip().partition("\n")
        if sha:
            yield sha, message


def _cut_off(root: Path) -> set[str]:
    shallow = root / git(root, "rev-parse", "--git-path", "shallow")
    return set(shallow.read_text().split()) if shallow.exists() else set()
