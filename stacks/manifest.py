"""Which manifest of steps an environment's jobs are checked against: that of the branch that they run."""

from pathlib import Path

from infra.constructs.steps import PATH, Manifest, StepError
from infra.settings import git
from infra.settings.errors import Problem
from infra.settings.settings import Settings


def read_manifest(settings: Settings, repository: Path) -> Manifest:
    """The steps of the environment's branch (of its commit, where it is pinned to one).

    From the working tree if that branch is checked out, changes included, or if the clone does not have it (a shallow
    one, or a first set-up): the run then says if the branch is not there. Raises StepError if it has no manifest.
    """
    if settings.commit:
        return _at(repository, settings.commit, f"commit {settings.commit[:12]}")
    if git.current_branch(repository) != settings.branch:
        found = git.find_branch(repository, settings.branch)
        if found:
            ref, _ = found
            return _at(repository, ref, f"branch {settings.branch}")
    path = repository / PATH
    if not path.is_file():
        raise StepError([Problem(PATH, "is missing")])
    return Manifest.parse(path.read_text(encoding="utf-8"))


def _at(repository: Path, ref: str, name: str) -> Manifest:
    source = f"{PATH} ({name})"
    text = git.read_at(repository, ref, PATH)
    if text is None:
        raise StepError([Problem(source, "is missing: the jobs would have no steps to run")])
    return Manifest.parse(text, source)
