"""All stacks of all environments, as one app."""

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from infra.constructs.steps import StepError
from infra.settings import Settings, SettingsError, load_all
from infra.settings.errors import Problem, did_you_mean
from infra.settings.loader import FOLDER, REPOSITORY
from infra.synth.app import make_app
from infra.synth.library import cdk
from stacks.admin import AdminStack
from stacks.jobs import define_jobs
from stacks.manifest import read_manifest
from stacks.project import ProjectStack


def compose(
    outdir: Path | None = None,
    *,
    folder: Path = FOLDER,
    repository: Path = REPOSITORY,
    variables: Mapping[str, str] = os.environ,
    say: Callable[[str], None] = print,
) -> cdk.App:
    """The app with `<env>-admin` and `<env>` of every environment, or of those that the variable ENVIRONMENTS names.

    Raises SettingsError or StepError. While one environment is a feature branch's copy, another whose own branch does
    not know the steps of these stacks is left out and named through `say`: a new step must not stop its author.
    """
    environments = _wanted(load_all(folder=folder, repository=repository, variables=variables), variables)
    app = make_app(outdir)
    copying = any(settings.copy_of for settings in environments)
    for settings in environments:
        try:
            manifest = read_manifest(settings, repository)
            jobs = define_jobs(settings, manifest)
        except StepError as error:
            if not copying or settings.copy_of:
                raise
            say(f"{settings.environment} is left out: its branch {settings.branch} has other steps\n{error}")
            continue
        admin = AdminStack(app, settings, root=repository)
        project = ProjectStack(app, settings, manifest, jobs, root=repository)
        _check_adoptions(settings, admin.addresses | project.addresses)
    return app


def _wanted(environments: Mapping[str, Settings], variables: Mapping[str, str]) -> Iterable[Settings]:
    names = [name.strip() for name in variables.get("ENVIRONMENTS", "").split(",") if name.strip()]
    unknown = [name for name in names if name not in environments]
    if unknown:
        raise SettingsError(
            Problem("ENVIRONMENTS", f"no environment '{name}'{did_you_mean(name, environments)}") for name in unknown
        )
    return [settings for name, settings in environments.items() if not names or name in names]


def _check_adoptions(settings: Settings, addresses: set[str]) -> None:
    """An address to adopt that no stack has would be ignored in silence."""
    unknown = [address for address in settings.values.adopt if address not in addresses]
    if unknown:
        file = f"{settings.environment}.yaml"
        raise SettingsError(
            Problem(file, f"no such resource{did_you_mean(address, addresses)}", f"adopt.{address}")
            for address in unknown
        )
