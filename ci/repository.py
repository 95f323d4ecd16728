"""This clone: where it is, what state it is in, and a bare copy of it for workspaces to read."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from ci.errors import Trouble

ROOT = Path(__file__).parents[1]
"""The clone that this command belongs to."""


def git(repository: Path, *arguments: str) -> str:
    """What a git command prints; raises Trouble with git's own message."""
    try:
        done = subprocess.run(["git", "-C", str(repository), *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise Trouble("git is not on the PATH: install it with your system's packages") from error
    if done.returncode != 0:
        raise Trouble(f"git {' '.join(arguments)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout.rstrip()  # only the end: the first column of a status may be a space


def top_level(path: Path) -> Path:
    """The work tree, or bare repository, that a path lies in; raises Trouble where there is none."""
    if git(path, "rev-parse", "--is-bare-repository") == "true":
        return Path(git(path, "rev-parse", "--absolute-git-dir"))
    return Path(git(path, "rev-parse", "--show-toplevel"))


def uncommitted(repository: Path) -> list[str]:
    """Files that differ from the last commit, or that git does not know yet."""
    listed = git(repository, "status", "--porcelain", "--untracked-files=normal")
    return [line[3:] for line in listed.splitlines()]


DEPLOYED = ("infra/", "stacks/", "ml_code/", "cdktf.json", "pyproject.toml", "uv.lock")
"""Files that decide what is deployed, and what its jobs run."""


def uncommitted_of_deployment(repository: Path) -> list[str]:
    """Of the uncommitted files, those that a deployment would deploy, or that its jobs would be thought to run."""
    return [path for path in uncommitted(repository) if path.startswith(DEPLOYED)]


def find_commit(repository: Path, revision: str) -> str | None:
    """The full hash that a revision names, or None."""
    try:
        return git(repository, "rev-parse", "--quiet", "--verify", "--end-of-options", f"{revision}^{{commit}}")
    except Trouble:
        return None


@dataclass(frozen=True)
class BranchTip:
    """Where a branch of a bare copy stands; `stands_in` if the clone has no such branch, and HEAD stood in for it."""

    branch: str
    commit: str
    stands_in: bool


def bare_copy(repository: Path, target: Path, branches: list[str]) -> list[BranchTip]:
    """Makes, or brings up to date, a bare copy with these branches.

    A branch is this clone's, else origin's as last fetched, else the commit that is checked out.
    """
    if find_commit(repository, "HEAD") is None:
        raise Trouble(f"{repository} has no commit yet: jobs run commits, so make one first")
    if not (target / "HEAD").exists():
        target.mkdir(parents=True, exist_ok=True)
        git(target, "init", "--quiet", "--bare")
        # The clone may be a shallow one, as CI checks out.
        git(target, "config", "receive.shallowUpdate", "true")
    tips = [_tip(repository, branch) for branch in branches]
    refs = [f"{tip.commit}:refs/heads/{tip.branch}" for tip in tips]
    git(repository, "push", "--quiet", "--force", "--no-verify", str(target.absolute()), *refs)
    git(target, "symbolic-ref", "HEAD", f"refs/heads/{branches[0]}")
    return tips


def _tip(repository: Path, branch: str) -> BranchTip:
    for ref in (f"refs/heads/{branch}", f"refs/remotes/origin/{branch}"):
        commit = find_commit(repository, ref)
        if commit:
            return BranchTip(branch, commit, stands_in=False)
    return BranchTip(branch, git(repository, "rev-parse", "HEAD"), stands_in=True)


def is_ancestor(repository: Path, earlier: str, later: str) -> bool:
    """Whether the second commit has the first in its history, or is it; not if the clone lacks one of them."""
    try:
        git(repository, "merge-base", "--is-ancestor", earlier, later)
    except Trouble:
        return False
    return True
