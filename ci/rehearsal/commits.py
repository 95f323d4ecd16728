"""Which commits are rehearsed, and the repository that the rehearsal's jobs read."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from ci.errors import Trouble
from ci.rehearsal.model import Commit
from ci.repository import find_commit, git, is_ancestor

CHANGE_REF = "refs/rehearsal/change"
_PROJECT = "infra/settings/project.yaml"
_LONGEST_SUBJECT = 120


@dataclass(frozen=True)
class Commits:
    """Both sides; `rehearsed` is the change itself, or its merge onto the base, and `notes` say which."""

    base: Commit
    change: Commit
    rehearsed: str
    notes: tuple[str, ...]


def prepare(root: Path, base: str, change: str, branch: str, repository: Path) -> Commits:
    """Makes a bare repository whose `branch` is the base, and CHANGE_REF what is to come over it.

    Raises Trouble where a revision is not in the clone, or where the change conflicts with the base.
    """
    old, new = describe(root, base), describe(root, change)
    repository.mkdir(parents=True)
    git(repository, "init", "--quiet", "--bare")
    git(repository, "config", "receive.shallowUpdate", "true")  # CI checks out shallow clones
    # One after the other: from a shallow clone git brings only the first of several.
    for ref in (f"{old.sha}:refs/heads/{branch}", f"{new.sha}:{CHANGE_REF}"):
        git(root, "push", "--quiet", "--force", "--no-verify", str(repository.absolute()), ref)
    git(repository, "symbolic-ref", "HEAD", f"refs/heads/{branch}")
    if old.sha == new.sha:
        return Commits(old, new, new.sha, ("The change is the base: both sides are the same commit.",))
    if is_ancestor(repository, old.sha, new.sha):
        return Commits(old, new, new.sha, ())
    merged = _merge(repository, old, new)
    git(repository, "update-ref", CHANGE_REF, merged)
    return Commits(old, new, merged, (_why_merged(repository, old, new),))


def describe(root: Path, revision: str) -> Commit:
    """The commit that a revision names; raises Trouble if the clone has none."""
    sha = find_commit(root, revision)
    if sha is None:
        remote, _, branch = revision.partition("/")
        fetch = f"git fetch {remote} {branch}" if branch else "git fetch"
        raise Trouble(f"{revision} is no commit of this clone: fetch it first ('{fetch}') or name another with --base")
    subject = git(root, "show", "--no-patch", "--format=%s", sha)
    return Commit(sha=sha, subject=subject[:_LONGEST_SUBJECT], revision=revision)


def check_out(repository: Path, ref: str, branch: str, target: Path, tools: dict[str, Path]) -> None:
    """A clone at `target` with `branch` checked out at a ref of the repository, and links to the tools."""
    git(repository, "clone", "--quiet", "--shared", "--no-checkout", str(repository.absolute()), str(target.absolute()))
    git(target, "fetch", "--quiet", "origin", ref)
    git(target, "checkout", "--quiet", "-B", branch, "FETCH_HEAD")
    for name, path in tools.items():
        if not (target / name).exists():
            (target / name).symlink_to(path)


def move_branch(repository: Path, branch: str) -> None:
    """Moves the branch that the jobs read on to the change."""
    git(repository, "update-ref", f"refs/heads/{branch}", CHANGE_REF)


def git_addresses(repository: Path, refs: Sequence[str]) -> list[str]:
    """The addresses under which the settings at these refs name the repository: a change may bring another."""
    addresses = []
    for ref in refs:
        try:
            project = yaml.safe_load(git(repository, "show", f"{ref}:{_PROJECT}"))
            addresses.append(str(project["git"]["url"]))
        except (Trouble, yaml.YAMLError, KeyError, TypeError):
            continue  # settings that cannot be read are told by their side's synthesis
    return list(dict.fromkeys(addresses))


def _merge(repository: Path, old: Commit, new: Commit) -> str:
    """A merge commit of both in the rehearsal's repository; the clone learns nothing of it."""
    done = subprocess.run(
        ["git", "-C", str(repository), "merge-tree", "--write-tree", "--name-only", "--no-messages", old.sha, new.sha],
        capture_output=True,
        text=True,
        check=False,
    )
    tree, *conflicts = done.stdout.splitlines() or [""]
    if done.returncode == 1:
        files = "\n".join(f"  {name}" for name in conflicts if name)
        raise Trouble(
            f"{new.revision} ({new.sha[:8]}) conflicts with {old.revision} ({old.sha[:8]}) in\n{files}\n"
            f"Nothing was rehearsed: merge or rebase onto {old.revision} first"
        )
    if done.returncode != 0:
        said = done.stderr.strip()
        hint = "; is this a shallow clone? Fetch its history: git fetch --unshallow" if "unrelated" in said else ""
        raise Trouble(f"{new.revision} cannot be merged onto {old.revision}: {said}{hint} (needs git 2.38 or newer)")
    day = git(repository, "show", "--no-patch", "--format=%cI", new.sha)
    who = ["-c", "user.name=branchline", "-c", "user.email=rehearsal@branchline.invalid"]
    message = f"Rehearsal of {new.sha[:8]} merged onto {old.sha[:8]}"
    made = subprocess.run(
        ["git", "-C", str(repository), *who, "commit-tree", tree, "-p", old.sha, "-p", new.sha, "-m", message],
        capture_output=True,
        text=True,
        check=True,
        # The same two commits make the same merge, whenever it is made.
        env={"GIT_AUTHOR_DATE": day, "GIT_COMMITTER_DATE": day, "PATH": os.environ.get("PATH", os.defpath)},
    )
    return made.stdout.strip()


def _why_merged(repository: Path, old: Commit, new: Commit) -> str:
    ahead = git(repository, "rev-list", "--count", f"{old.sha}..{new.sha}")
    behind = git(repository, "rev-list", "--count", f"{new.sha}..{old.sha}")
    return (
        f"{old.revision} is not an ancestor of the change (it moved on, or was force-pushed): the change lacks "
        f"{_commits(behind)} of it, and brings {_commits(ahead)}. Rehearsed is the change merged onto it, as the merge "
        "of a pull request would be."
    )


def _commits(count: str) -> str:
    return f"{count} commit" if count == "1" else f"{count} commits"
