"""Clones behind Git folders: one folder on disk each, on one branch or tag."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.workspace.gateway.errors import BadRequest
from infra.workspace.git.command import Git, Login


@dataclass(frozen=True)
class Head:
    """Where a clone stands; no branch when it is on a tag."""

    branch: str | None
    commit: str


def clone(git: Git, url: str, folder: Path, patterns: Sequence[str], login: Login | None) -> Head:
    """A clone of `url` on the remote's default branch; with patterns, only those folders (sparse, cone mode)."""
    git.run("clone", "--quiet", "--no-checkout", "--", url, str(folder), login=login)
    if patterns:
        narrow(git, folder, patterns)
    git.run("checkout", "--quiet", folder=folder, login=login)
    return head(git, folder)


def narrow(git: Git, folder: Path, patterns: Sequence[str]) -> None:
    """Other patterns for a sparse clone."""
    if any(pattern.startswith("-") for pattern in patterns):
        raise BadRequest("a sparse checkout pattern names a folder")
    git.run("sparse-checkout", "set", "--cone", *patterns, folder=folder)


def switch_to_branch(git: Git, folder: Path, branch: str, login: Login | None) -> Head:
    """The remote's newest commit of a branch; raises BadRequest where the remote has no such branch."""
    _fetch(git, folder, login)
    _require_ref(git, folder, f"refs/remotes/origin/{branch}", f"branch {branch!r}")
    git.run("checkout", "--quiet", "--force", "-B", branch, f"refs/remotes/origin/{branch}", folder=folder)
    return head(git, folder)


def switch_to_tag(git: Git, folder: Path, tag: str, login: Login | None) -> Head:
    _fetch(git, folder, login)
    _require_ref(git, folder, f"refs/tags/{tag}", f"tag {tag!r}")
    git.run("checkout", "--quiet", "--force", "--detach", f"refs/tags/{tag}", folder=folder)
    return head(git, folder)


def head(git: Git, folder: Path) -> Head:
    branch = git.run("rev-parse", "--abbrev-ref", "HEAD", folder=folder)
    return Head(None if branch == "HEAD" else branch, git.run("rev-parse", "HEAD", folder=folder))


def files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """The files of a clone by relative path; links are left out, as they may lead anywhere."""
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if relative.parts[0] != ".git" and path.is_file() and not _through_link(folder, relative):
            yield relative.as_posix(), path.read_bytes()


def _through_link(folder: Path, relative: Path) -> bool:
    return any((folder / part).is_symlink() for part in (relative, *relative.parents))


def _fetch(git: Git, folder: Path, login: Login | None) -> None:
    git.run("fetch", "--quiet", "--prune", "--force", "--tags", "origin", folder=folder, login=login)


def _require_ref(git: Git, folder: Path, reference: str, what: str) -> None:
    try:
        git.run("rev-parse", "--verify", "--quiet", f"{reference}^{{commit}}", folder=folder)
    except BadRequest:
        raise BadRequest(f"the remote has no {what}") from None
