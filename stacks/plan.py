"""Which environments are synthesized, and with which jobs: all that can be known, and be wrong, before cdktf starts."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.constructs.steps import Manifest, StepError
from infra.settings import Problem, Settings, SettingsError, load_all
from infra.settings.errors import did_you_mean
from infra.settings.loader import FOLDER, REPOSITORY
from stacks.job_definition import JobDefinition
from stacks.jobs import define_jobs
from stacks.manifest import TABLES_PATH, Tables, read_manifest, read_tables


@dataclass(frozen=True)
class EnvironmentPlan:
    """One environment: its settings, the steps and tables of the branch that it runs, and its jobs."""

    settings: Settings
    manifest: Manifest
    jobs: Sequence[JobDefinition]
    tables: Tables | None = None
    """None: the branch is older than the monitoring and gets none of it."""


def plan(
    *,
    folder: Path = FOLDER,
    repository: Path = REPOSITORY,
    variables: Mapping[str, str] = os.environ,
    say: Callable[[str], None] = print,
) -> list[EnvironmentPlan]:
    """Every environment, or those that the variable ENVIRONMENTS names (dev,prod).

    Raises SettingsError or StepError. While one environment is a feature branch's copy, another whose own branch does
    not know the steps of these stacks is left out and named through `say`: a new step must not stop its author. One
    whose branch has no tables of monitoring is planned without monitoring, and named as well.
    """
    environments = _wanted(load_all(folder=folder, repository=repository, variables=variables), variables)
    copying = any(settings.copy_of for settings in environments)
    plans = []
    for settings in environments:
        try:
            manifest = read_manifest(settings, repository)
            tables = read_tables(settings, repository)
            jobs = define_jobs(settings, manifest, monitored=tables is not None)
        except StepError as error:
            if not copying or settings.copy_of:
                raise
            say(f"{settings.environment} is left out: its branch {settings.branch} has other steps\n{error}")
            continue
        if tables is None:
            say(
                f"{settings.environment} has no data gate and no monitoring: {settings.branch} has no {TABLES_PATH} yet"
            )
        plans.append(EnvironmentPlan(settings, manifest, jobs, tables))
    return plans


def _wanted(environments: Mapping[str, Settings], variables: Mapping[str, str]) -> list[Settings]:
    names = [name.strip() for name in variables.get("ENVIRONMENTS", "").split(",") if name.strip()]
    unknown = [name for name in names if name not in environments]
    if unknown:
        raise SettingsError(
            Problem("ENVIRONMENTS", f"no environment '{name}'{did_you_mean(name, environments)}") for name in unknown
        )
    return [settings for name, settings in environments.items() if not names or name in names]
