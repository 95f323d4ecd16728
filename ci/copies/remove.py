"""Removing a copy with its data: by its state, then by its names whatever the state did not know."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ci.copies.find import is_of_copy
from ci.copies.which import client, credentials, working_folder
from ci.errors import Trouble
from ci.jobs.find import job_name
from ci.repository import ROOT
from ci.terraform.runner import Terraform
from ci.terraform.synthesis import SynthesizedStack, read_synthesis
from infra.settings import Settings
from infra.settings.copies import names_of_copy

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient


@dataclass(frozen=True)
class Removed:
    """What a removal removed; nothing at all where there was no copy."""

    by_state: tuple[str, ...]
    by_name: tuple[str, ...]


def remove(branch: str, say: Callable[[str], None]) -> Removed:
    """Removes the copy: jobs, experiment, model with its versions, tables, volume. The branch may be gone.

    Raises Trouble where Terraform fails; run again, it goes on with what is left.
    """
    settings = names_of_copy(branch)
    stack = _synthesize_empty(settings, branch)
    terraform = Terraform(stack, credentials().variables(settings.environment, "admin"), say)
    terraform.init()
    held = tuple(terraform.resources())
    if held:
        terraform.plan(lock=True)
        terraform.apply_planned()
    by_name = tuple(_remove_by_name(client(), settings))
    shutil.rmtree(working_folder(settings), ignore_errors=True)
    return Removed(held, by_name)


def _synthesize_empty(settings: Settings, branch: str) -> SynthesizedStack:
    """Backend and provider of the copy's stack, without a resource."""
    outdir: Path = working_folder(settings) / "removal"
    done = subprocess.run(
        [sys.executable, "-O", "-m", "stacks.removal", branch],
        cwd=ROOT,
        env={**os.environ, "CDKTF_OUTDIR": str(outdir)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise Trouble(f"the copy's removal cannot be synthesized:\n{(done.stderr or done.stdout).strip()}")
    return read_synthesis(outdir).stacks[settings.environment]


def _remove_by_name(client: WorkspaceClient, settings: Settings) -> Iterator[str]:
    """What bears the copy's tags or its own names though the state here knew nothing of it, as it was removed."""
    from databricks.sdk.errors import NotFound

    for job in list(client.jobs.list()):
        if job.job_id and is_of_copy(job.settings.tags if job.settings else None, settings):
            client.jobs.delete(job.job_id)
            yield f"job {job_name(job)}"
    yield from _remove_watchers(client, settings)
    try:
        experiment = client.experiments.get_by_name(settings.experiment_name).experiment
        if experiment and experiment.experiment_id and experiment.lifecycle_stage == "active":
            client.experiments.delete_experiment(experiment.experiment_id)
            yield f"experiment {settings.experiment_name}"
    except NotFound:
        pass
    try:
        schema = client.schemas.get(settings.schema_full_name)
    except NotFound:
        return
    if not is_of_copy(schema.properties, settings):
        raise Trouble(
            f"{settings.schema_full_name} has the name of {settings.branch}'s copy but not its tags: it is left there"
        )
    client.schemas.delete(settings.schema_full_name, force=True)
    yield f"schema {settings.schema_full_name} with all that was in it"


def _remove_watchers(client: WorkspaceClient, settings: Settings) -> Iterator[str]:
    """Alerts, dashboard and report; the monitor goes with its table."""
    from databricks.sdk.errors import NotFound

    names = settings.job_name("")
    for alert in list(client.alerts_v2.list_alerts()):
        if alert.id and (alert.display_name or "").startswith(names):
            client.alerts_v2.trash_alert(alert.id)
            yield f"alert {alert.display_name}"
    for dashboard in list(client.lakeview.list()):
        if dashboard.dashboard_id and dashboard.display_name == settings.dashboard_name:
            client.lakeview.trash(dashboard.dashboard_id)
            yield f"dashboard {settings.dashboard_name}"
    try:
        client.workspace.delete(settings.reports_folder, recursive=True)
        yield f"folder {settings.reports_folder}"
    except NotFound:
        pass
