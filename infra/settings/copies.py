"""A branch's copy by its names alone, so that it can be found and removed after its branch is gone."""

from datetime import date
from pathlib import Path

from infra.settings.errors import Problem, SettingsError
from infra.settings.loader import FOLDER, load_all
from infra.settings.settings import BranchCopy, Settings
from infra.settings.slug import branch_slug


def copied_environment(folder: Path = FOLDER) -> Settings:
    """The environment that copies are made of, itself no copy. Raises SettingsError unless exactly one allows them."""
    allowed = [settings for settings in _environments(folder) if settings.values.copies.allowed]
    if len(allowed) != 1:
        found = " and ".join(settings.environment for settings in allowed) or "none"
        reason = f"expected exactly one environment that allows copies, found {found}"
        raise SettingsError([Problem("infra/settings", reason, "copies.allowed")])
    return allowed[0]


def names_of_copy(branch: str, folder: Path = FOLDER) -> Settings:
    """The settings of a branch's copy, whether or not the branch exists; they do not know when it expires.

    Raises SettingsError for a branch that an environment is pinned to: that environment is no copy.
    """
    for settings in _environments(folder):
        if settings.values.branch == branch:
            reason = f"{branch} is the branch of {settings.environment} itself, which is no copy: name a feature branch"
            raise SettingsError([Problem("BRANCH", reason)])
    copy = BranchCopy(branch=branch, slug=branch_slug(branch), expires=date.max)
    return copied_environment(folder).model_copy(update={"copy_of": copy})


def _environments(folder: Path) -> list[Settings]:
    """Every environment as it is by itself, whatever is checked out or named."""
    found = load_all(folder=folder, variables={})
    return [settings.model_copy(update={"copy_of": None}) for settings in found.values()]
