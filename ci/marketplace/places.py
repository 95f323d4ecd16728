"""The marketplace's workspaces as a user reaches them: which one is meant, and what its steps are told."""

from __future__ import annotations

import os
from collections.abc import Mapping

from ci.errors import Trouble
from ci.repository import ROOT
from ci.steps.execute import command, run_process, task_environment
from ci.steps.manifest import read_manifest
from ci.steps.parameters import filled, today
from ci.target import Target, find_target
from infra.settings.errors import did_you_mean
from infra.settings.marketplace import Hub, WorkspaceEntry
from infra.settings.marketplace_settings import ENVIRONMENT, MarketplaceSettings, own_catalog

SETTINGS = "infra/settings/marketplace.yaml"


def find_workspace(settings: MarketplaceSettings, name: str) -> WorkspaceEntry:
    """The entry of that name. Raises Trouble."""
    found = {entry.name: entry for entry in settings.sources}
    if name not in found:
        raise Trouble(f"{SETTINGS} has no workspace {name!r}{did_you_mean(name, found)}")
    return found[name]


def target_of(
    place: Hub | WorkspaceEntry, principal: str | None = None, variables: Mapping[str, str] = os.environ
) -> Target:
    """The workspace that the settings name, else the one that this shell talks to. Raises Trouble where they differ."""
    if place.profile:
        others = {name: value for name, value in variables.items() if name != "DATABRICKS_HOST"}
        return find_target(principal=principal, variables={**others, "DATABRICKS_CONFIG_PROFILE": place.profile})
    host = variables.get("DATABRICKS_HOST", "").rstrip("/")
    if place.host and host and host != place.host.rstrip("/"):
        raise Trouble(f"DATABRICKS_HOST is {host}, and {SETTINGS} says {place.host}: log in there")
    if place.host and principal is None:
        return find_target(variables={**variables, "DATABRICKS_HOST": place.host})
    return find_target(principal=principal, variables=variables)


def run_step(
    settings: MarketplaceSettings, entry: WorkspaceEntry, step: str, given: Mapping[str, str], principal: str | None
) -> int:
    """Runs a step of the marketplace on the code as it stands here, in a workspace; returns its exit code.

    These steps move files and call services: they need no Spark.
    """
    manifest = read_manifest(ROOT)
    archive = settings.values.archive
    known = {
        "environment": ENVIRONMENT,
        "catalog": own_catalog(entry),
        "schema": entry.schema_name,
        "date": today().isoformat(),
        "workspace": entry.name,
        "archive": archive.url,
        "archive_secret": archive.secret or "",
        "registry": entry.registry,
        "models": entry.models,
        "concurrency": str(entry.concurrency),
    }
    target = target_of(entry, principal)
    arguments = filled(manifest.find(step), given, known)
    environment = task_environment(target, os.environ.get("SPARK_REMOTE", ""))
    file = ROOT / manifest.entry
    return run_process(command(file, arguments, debugger=False), file.parent, environment)
