"""The few questions that settings and stacks put to git; each answer is one short git call."""

import subprocess
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path


@dataclass(frozen=True)
class Commit:
    """A commit by its full hash and the UTC day on which it was made."""

    sha: str
    day: date


def _git(repository: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(repository), *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return done.stdout if done.returncode == 0 else None


def current_branch(repository: Path) -> str | None:
    """The branch that is checked out; None outside a repository and on a detached commit."""
    out = _git(repository, "symbolic-ref", "--quiet", "--short", "HEAD")
    return out.strip() if out else None


def find_commit(repository: Path, revision: str) -> Commit | None:
    """The commit that a revision names in this clone, or None."""
    out = _git(repository, "log", "-1", "--format=%H %ct", "--end-of-options", revision, "--")
    if not out or not out.strip():
        return None
    sha, seconds = out.split()
    return Commit(sha, datetime.fromtimestamp(int(seconds), UTC).date())


def find_branch(repository: Path, branch: str) -> tuple[str, Commit] | None:
    """The ref (this clone's branch, else origin's as last fetched) and its last commit, or None."""
    for ref in (f"refs/heads/{branch}", f"refs/remotes/origin/{branch}"):
        commit = find_commit(repository, ref)
        if commit:
            return ref, commit
    return None


def read_at(repository: Path, ref: str, path: str) -> str | None:
    """The text of a file at a ref, or None where the ref has no such file."""
    return _git(repository, "show", f"{ref}:{path}")
