"""Files of ml_code as the branch has them that an environment's jobs run."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from infra.settings import git
from infra.settings.settings import Settings


@dataclass(frozen=True)
class BranchFile:
    """A file's text (None: there is no such file), and how errors call it: `ml_code/steps.yaml (branch release)`."""

    source: str
    text: str | None


BranchFiles = Callable[[str], BranchFile]
"""A file of the branch by its path from the repository's root."""


def files_of(settings: Settings, repository: Path) -> BranchFiles:
    """Reads files of the environment's branch (of its commit, where it is pinned to one)."""
    return files_at(repository, settings.branch, settings.commit)


def files_at(repository: Path, branch: str, commit: str | None = None) -> BranchFiles:
    """Reads files of a branch, or of the commit where one is given.

    From the working tree if that branch is checked out, changes included, or if the clone does not have it (a shallow
    one, or a first set-up): the run then says if the branch is not there.
    """
    if commit:
        return _at(repository, commit, f"commit {commit[:12]}")
    if git.current_branch(repository) != branch:
        found = git.find_branch(repository, branch)
        if found:
            ref, _ = found
            return _at(repository, ref, f"branch {branch}")

    def read(path: str) -> BranchFile:
        file = repository / path
        return BranchFile(path, file.read_text(encoding="utf-8") if file.is_file() else None)

    return read


def _at(repository: Path, ref: str, name: str) -> BranchFiles:
    return lambda path: BranchFile(f"{path} ({name})", git.read_at(repository, ref, path))
