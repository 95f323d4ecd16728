"""Objects that a deployment made in its last moment, and of which Terraform, killed, never wrote down that it had.

Without them in the state a job would be made twice, with the same schedule, and whatever has a name of its own would be
refused as there already. Principals, groups and secret scopes do not tell when they were made: they are left to people.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ci.apply.stacks import Say
from ci.deployments.record import Deployment
from ci.plan.model import UNKNOWN, Action, Change, StackPlan
from ci.terraform.runner import Terraform

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

_CLOCKS_DIFFER = timedelta(minutes=5)
_Fields = Mapping[str, Any]
_Found = tuple[str, int | None]
"""The id by which Terraform imports it, and when it was made, in milliseconds."""


def take_over_lost(
    planned: StackPlan, unfinished: Deployment, client: WorkspaceClient, terraform: Terraform, say: Say
) -> bool:
    """Imports what is to be made and was made since the unfinished deployment began; whether there was anything."""
    begun = (datetime.fromisoformat(unfinished.started_at) - _CLOCKS_DIFFER).timestamp() * 1000
    taken = False
    for change in planned.changes:
        found = _find(change, client) if change.action is Action.CREATE else None
        if found and (found[1] or 0) >= begun:
            say(f"{planned.stack}: {change.address} was made and not written down: {found[0]} is taken over")
            terraform.adopt(change.address, found[0])
            taken = True
    return taken


def _find(change: Change, client: WorkspaceClient) -> _Found | None:
    from databricks.sdk.errors import NotFound, PermissionDenied

    look = _LOOKS.get(change.type)
    fields = {field.path: field.after for field in change.fields if field.after != UNKNOWN}
    try:
        return look(client, fields) if look and "name" in fields else None
    except (NotFound, PermissionDenied, KeyError):
        return None  # not there, or its place is not there yet


def _job(client: WorkspaceClient, fields: _Fields) -> _Found | None:
    found = list(client.jobs.list(name=fields["name"]))
    return (str(found[0].job_id), found[0].created_time) if len(found) == 1 else None


def _experiment(client: WorkspaceClient, fields: _Fields) -> _Found | None:
    found = client.experiments.get_by_name(fields["name"]).experiment
    alive = found and found.lifecycle_stage == "active"
    return (str(found.experiment_id), found.creation_time) if found and alive else None


def _policy(client: WorkspaceClient, fields: _Fields) -> _Found | None:
    found = next((each for each in client.cluster_policies.list() if each.name == fields["name"]), None)
    return (str(found.policy_id), found.created_at_timestamp) if found else None


def _catalog(client: WorkspaceClient, fields: _Fields) -> _Found | None:
    return fields["name"], client.catalogs.get(fields["name"]).created_at


def _schema(client: WorkspaceClient, fields: _Fields) -> _Found | None:
    name = f"{fields['catalog_name']}.{fields['name']}"
    return name, client.schemas.get(name).created_at


def _volume(client: WorkspaceClient, fields: _Fields) -> _Found | None:
    name = f"{fields['catalog_name']}.{fields['schema_name']}.{fields['name']}"
    return name, client.volumes.read(name).created_at


def _model(client: WorkspaceClient, fields: _Fields) -> _Found | None:
    name = f"{fields['catalog_name']}.{fields['schema_name']}.{fields['name']}"
    return name, client.registered_models.get(name).created_at


_LOOKS: dict[str, Callable[[Any, _Fields], _Found | None]] = {
    "databricks_job": _job,
    "databricks_mlflow_experiment": _experiment,
    "databricks_cluster_policy": _policy,
    "databricks_catalog": _catalog,
    "databricks_schema": _schema,
    "databricks_volume": _volume,
    "databricks_registered_model": _model,
}
