"""Which of the marketplace's stacks are synthesized, and with which jobs: what can be wrong before cdktf starts."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.constructs.steps import Manifest, StepError, TaskConfig
from infra.settings import Problem, SettingsError
from infra.settings.errors import did_you_mean
from infra.settings.loader import FOLDER, REPOSITORY, load_marketplace
from infra.settings.marketplace import WorkspaceEntry
from infra.settings.marketplace_settings import HUB, MarketplaceSettings, stack_name
from stacks.branch import files_at
from stacks.job_definition import JobDefinition
from stacks.manifest import read_steps
from stacks.marketplace.jobs import hub_jobs, workspace_jobs

VARIABLE = "MARKETPLACE"


@dataclass(frozen=True)
class StackJobs:
    """The jobs of one stack and the steps of the branch that they run."""

    manifest: Manifest
    jobs: Sequence[JobDefinition]


@dataclass(frozen=True)
class MarketplacePlan:
    """What is synthesized. `hub` is None where only workspaces were asked for."""

    settings: MarketplaceSettings
    hub: StackJobs | None
    workspaces: Sequence[tuple[WorkspaceEntry, StackJobs]]


def plan(
    *, folder: Path = FOLDER, repository: Path = REPOSITORY, variables: Mapping[str, str] = os.environ
) -> MarketplacePlan:
    """The hub and every workspace, or those that the variable MARKETPLACE names (hub,cardiology).

    Raises SettingsError, or StepError with all that does not fit the steps of the branches.
    """
    settings = load_marketplace(folder)
    wanted = _wanted(settings, variables)
    manifests: dict[str, Manifest] = {}
    problems: list[Problem] = []

    def checked(stack: str, branch: str, jobs: Sequence[JobDefinition]) -> StackJobs:
        if branch not in manifests:  # a thousand workspaces have few branches
            manifests[branch] = read_steps(files_at(repository, branch))
        problems.extend(_problems(stack, manifests[branch], jobs))
        return StackJobs(manifests[branch], jobs)

    hub = checked(HUB, settings.hub.branch, hub_jobs(settings)) if "hub" in wanted else None
    workspaces = [
        (source, checked(stack_name(source), source.branch, workspace_jobs(settings, source)))
        for source in settings.sources
        if source.name in wanted
    ]
    if problems:
        raise StepError(problems)
    return MarketplacePlan(settings, hub, workspaces)


def _wanted(settings: MarketplaceSettings, variables: Mapping[str, str]) -> set[str]:
    known = ["hub", *(entry.name for entry in settings.values.workspaces)]
    names = [name.strip() for name in variables.get(VARIABLE, "").split(",") if name.strip()]
    if unknown := [name for name in names if name not in known]:
        raise SettingsError(Problem(VARIABLE, f"no workspace '{name}'{did_you_mean(name, known)}") for name in unknown)
    return set(names or known)


def _problems(stack: str, manifest: Manifest, jobs: Sequence[JobDefinition]) -> list[Problem]:
    found: list[Problem] = []
    for job in jobs:
        for task in job.tasks:
            if isinstance(task, TaskConfig):
                try:
                    manifest.arguments(f"{job.name} of {stack}", task, job.parameters)
                except StepError as error:
                    found += error.problems
    return found
