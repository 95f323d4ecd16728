"""Reading the settings: the one place that says what an environment is."""

import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from infra.settings import git
from infra.settings.environment import EnvironmentValues, Storage
from infra.settings.errors import Problem, SettingsError, did_you_mean, shown
from infra.settings.marketplace import MarketplaceValues
from infra.settings.marketplace_settings import MarketplaceSettings
from infra.settings.project import Project
from infra.settings.reading import read_model
from infra.settings.settings import BranchCopy, Settings
from infra.settings.slug import branch_slug

FOLDER = Path(__file__).parent
REPOSITORY = FOLDER.parent.parent


def load_project(folder: Path = FOLDER) -> Project:
    """project.yaml. Raises SettingsError with all its problems."""
    project, problems = read_model(Project, folder / "project.yaml", _root(folder))
    if project is None:
        raise SettingsError(problems)
    return project


def load_marketplace(folder: Path = FOLDER) -> MarketplaceSettings:
    """marketplace.yaml with the project's settings. Raises SettingsError with all problems of both files."""
    root = _root(folder)
    project, problems = read_model(Project, folder / "project.yaml", root)
    values, more = read_model(MarketplaceValues, folder / "marketplace.yaml", root)
    if project is None or values is None:
        raise SettingsError([*problems, *more])
    return MarketplaceSettings(project=project, values=values)


def load_settings(
    environment: str,
    branch: str | None = None,
    *,
    folder: Path = FOLDER,
    repository: Path = REPOSITORY,
    variables: Mapping[str, str] = os.environ,
) -> Settings:
    """The settings of an environment, as a copy where a feature branch asks for one.

    The branch is `branch`, else the variable BRANCH, else the branch that is checked out. It makes a copy only
    where the environment allows copies, and only if no environment is pinned to it. With the variable COMMIT a copy
    is pinned to that commit. An environment that DESTROY_DATA names (commas between several) gives up its data when it
    is destroyed, whatever its file says. Raises SettingsError with all problems of the files, or if the branch is not
    in the clone.
    """
    root = _root(folder)
    project, problems = read_model(Project, folder / "project.yaml", root)
    known = project.environments if project else ("dev", "staging", "prod")
    if environment not in known:
        problem = Problem(
            shown(folder / "project.yaml", root),
            f"no environment '{environment}'{did_you_mean(environment, known)}",
            "environments",
        )
        raise SettingsError([*problems, problem])
    file = folder / f"{environment}.yaml"
    values, more = read_model(EnvironmentValues, file, root)
    if project is None or values is None:
        raise SettingsError([*problems, *more])
    if environment in variables.get("DESTROY_DATA", "").split(","):
        values = values.model_copy(update={"storage": Storage(destroy_data=True)})
    settings = Settings(environment=environment, project=project, values=values)
    if not values.copies.allowed:
        return settings
    pinned = {values.branch, *_pinned_branches(project, folder, root)}
    wanted = branch or variables.get("BRANCH") or git.current_branch(repository)
    if wanted is None or wanted in pinned:
        return settings
    return settings.model_copy(update={"copy_of": _copy(wanted, values, repository, variables.get("COMMIT"))})


def load_all(
    *, folder: Path = FOLDER, repository: Path = REPOSITORY, variables: Mapping[str, str] = os.environ
) -> dict[str, Settings]:
    """Every environment's settings by name, in the project's order; problems of all files at once."""
    problems: list[Problem] = []
    loaded: dict[str, Settings] = {}
    for environment in load_project(folder).environments:
        try:
            loaded[environment] = load_settings(environment, folder=folder, repository=repository, variables=variables)
        except SettingsError as error:
            problems += [p for p in error.problems if p not in problems]
    if problems:
        raise SettingsError(problems)
    return loaded


def _copy(branch: str, values: EnvironmentValues, repository: Path, commit: str | None) -> BranchCopy:
    found = git.find_branch(repository, branch)
    if found is None:
        reason = (
            f"branch '{branch}' is neither in this clone nor at origin as last fetched; a copy's jobs check it out and"
            " its expiry is counted from its last commit: push or fetch it, or set BRANCH to one that exists"
        )
        raise SettingsError([Problem("BRANCH", reason)])
    _, tip = found
    if commit is not None:
        pinned = git.find_commit(repository, commit)
        if pinned is None:
            raise SettingsError([Problem("COMMIT", f"commit '{commit}' is not in this clone")])
        tip, commit = pinned, pinned.sha
    # From the last commit and not from today: a second plan of the same code must be empty.
    expires = tip.day + timedelta(days=values.copies.expire_after_days)
    return BranchCopy(branch=branch, slug=branch_slug(branch), expires=expires, commit=commit)


def _pinned_branches(project: Project, folder: Path, root: Path) -> set[str]:
    """The branches of all environments; a file that cannot be read is reported when its environment is asked for."""
    read = (read_model(EnvironmentValues, folder / f"{name}.yaml", root)[0] for name in project.environments)
    return {values.branch for values in read if values}


def _root(folder: Path) -> Path:
    return REPOSITORY if folder.is_relative_to(REPOSITORY) else folder
