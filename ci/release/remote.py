"""The remote as it is now: what a release reads and moves. Neither the work tree nor the clone's own branches count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ci.errors import Trouble
from ci.repository import git

LEDGER = "refs/branchline/releases"
"""One commit a release, each with the one before as its parent: two cuts at once cannot both move it."""

EVIDENCE = "refs/branchline/evidence/"
_NOT_ATOMIC = "does not support --atomic"
_PEELED = "^{}"


class PushRefused(Trouble):
    """The remote, or a hook of it, refused; it is as it was."""


class PushedByHalf(Trouble):
    """A host without transactions took the first ref and refused others."""


@dataclass(frozen=True)
class Remote:
    """A remote's branches, tags and records of releases, as it answered when it was asked."""

    repository: Path
    name: str
    refs: Mapping[str, str]

    @classmethod
    def ask(cls, repository: Path, name: str, branches: Sequence[str]) -> Remote:
        """Asks, and fetches these branches with their history, and the releases; raises Trouble with git's words."""
        _complete(repository, name)
        wanted = [*(f"refs/heads/{branch}" for branch in branches), "refs/tags/*", "refs/branchline/*"]
        listed = git(repository, "ls-remote", name, *wanted).splitlines()
        refs = {ref: hash for hash, ref in (line.split("\t") for line in listed)}
        fetched = [ref for ref in refs if ref.startswith("refs/heads/") or ref == LEDGER]
        if fetched:
            git(repository, "fetch", "--quiet", "--no-write-fetch-head", name, *fetched)
        return cls(repository, name, refs)

    def branch(self, name: str) -> str | None:
        """The commit of a branch."""
        return self.refs.get(f"refs/heads/{name}")

    def tag(self, name: str) -> str | None:
        """The commit that a tag names, also through an annotated one."""
        ref = f"refs/tags/{name}"
        return self.refs.get(ref + _PEELED) or self.refs.get(ref)

    @property
    def tags(self) -> frozenset[str]:
        """Every tag's name."""
        return frozenset(
            ref.removeprefix("refs/tags/").removesuffix(_PEELED) for ref in self.refs if ref.startswith("refs/tags/")
        )

    @property
    def ledger(self) -> str | None:
        """The newest release's record."""
        return self.refs.get(LEDGER)

    def evidence(self, tag: str) -> str | None:
        """The commit whose tree is the evidence of a release."""
        return self.refs.get(EVIDENCE + tag)

    def push(self, objects: Mapping[str, str]) -> None:
        """Moves these refs to these objects, all of them or none, forwards only; raises PushRefused or PushedByHalf.

        Some hosts (Azure Repos, CodeCommit) offer no transaction: there the first ref goes alone. It is the one that
        two pushes at once contend for; the others follow in one go, and a push of the same refs completes them.
        """
        specs = [f"{hash}:{ref}" for ref, hash in objects.items()]
        try:
            self._push("--atomic", *specs)
        except PushRefused as error:
            if _NOT_ATOMIC not in str(error):
                raise
            self._push(specs[0])
            try:
                self._push(*specs)
            except PushRefused as error:
                first, *others = objects
                raise PushedByHalf(
                    f"{self.name} knows no transactions: {first} has moved, and one of {', '.join(others)} was refused."
                    f" Mend what it says, then run this command again, which completes it\n{error}"
                ) from error

    def _push(self, *arguments: str) -> None:
        try:
            git(self.repository, "push", "--quiet", "--no-verify", self.name, *arguments)
        except Trouble as error:
            raise PushRefused(str(error)) from error


def _complete(repository: Path, name: str) -> None:
    """CI checks out the last commit only; what is an ancestor of what needs all of them."""
    if git(repository, "rev-parse", "--is-shallow-repository") == "true":
        git(repository, "fetch", "--quiet", "--unshallow", "--no-write-fetch-head", name)
