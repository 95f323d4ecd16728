"""Objects that look like an environment's but are in none of its states: made by hand, or left by a crash."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ci.drift.report import Orphan
from infra.settings import Settings

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

_UNMANAGED = "no state of the environment has it"


def managed_ids(states: Sequence[Mapping[str, Any]]) -> set[tuple[str, str]]:
    """Resource type and id of all that these states (terraform show -json) hold."""
    return {
        (resource["type"], str(resource["values"].get("id")))
        for state in states
        for resource in state.get("values", {}).get("root_module", {}).get("resources", [])
        if resource.get("mode") == "managed"
    }


def find_orphans(client: WorkspaceClient, settings: Settings, managed: set[tuple[str, str]]) -> list[Orphan]:
    """What the caller may see of the environment's jobs, policies, scopes, experiments, models and volumes."""
    found = (
        *_jobs(client, settings, managed),
        *_policies(client, settings, managed),
        *_scopes(client, settings, managed),
        *_experiments(client, settings, managed),
        *_catalog_objects(client, settings, managed),
    )
    return sorted(found, key=lambda orphan: (orphan.kind, orphan.name))


def _jobs(client: WorkspaceClient, settings: Settings, managed: set[tuple[str, str]]) -> Iterator[Orphan]:
    for job in client.jobs.list():
        if job.settings is None or ("databricks_job", str(job.job_id)) in managed:
            continue
        name, tags = job.settings.name or "", job.settings.tags or {}
        if "expires" in tags:  # a developer's copy has a state of its own
            continue
        ours = all(tags.get(key) == settings.tags[key] for key in ("project", "environment"))
        if ours or name.startswith(f"{settings.base_name}-"):
            yield Orphan(kind="job", name=f"{name} ({job.job_id})", reason=_UNMANAGED)


def _policies(client: WorkspaceClient, settings: Settings, managed: set[tuple[str, str]]) -> Iterator[Orphan]:
    for policy in client.cluster_policies.list():
        known = ("databricks_cluster_policy", str(policy.policy_id)) in managed
        if not known and (policy.name or "").startswith(f"{settings.base_name}-"):
            yield Orphan(kind="cluster policy", name=f"{policy.name} ({policy.policy_id})", reason=_UNMANAGED)


def _scopes(client: WorkspaceClient, settings: Settings, managed: set[tuple[str, str]]) -> Iterator[Orphan]:
    for scope in client.secrets.list_scopes():
        name = scope.name or ""
        ours = name == settings.secret_scope or name.startswith(f"{settings.secret_scope}-")
        if ours and ("databricks_secret_scope", name) not in managed:
            yield Orphan(kind="secret scope", name=name, reason=_UNMANAGED)


def _experiments(client: WorkspaceClient, settings: Settings, managed: set[tuple[str, str]]) -> Iterator[Orphan]:
    for experiment in client.experiments.list_experiments():
        name = experiment.name or ""
        copy = (experiment.tags or []) and any(tag.key == "expires" for tag in experiment.tags or [])
        known = ("databricks_mlflow_experiment", str(experiment.experiment_id)) in managed
        if not known and not copy and name.startswith(f"{settings.folder}/"):
            yield Orphan(kind="experiment", name=name, reason=_UNMANAGED)


def _catalog_objects(client: WorkspaceClient, settings: Settings, managed: set[tuple[str, str]]) -> Iterator[Orphan]:
    from databricks.sdk.errors import NotFound, PermissionDenied

    catalog, schema = settings.catalog, settings.schema_name
    try:
        for model in client.registered_models.list(catalog_name=catalog, schema_name=schema):
            if ("databricks_registered_model", model.full_name or "") not in managed:
                yield Orphan(kind="registered model", name=model.full_name or "", reason=_UNMANAGED)
        for volume in client.volumes.list(catalog, schema):
            if ("databricks_volume", volume.full_name or "") not in managed:
                yield Orphan(kind="volume", name=volume.full_name or "", reason=_UNMANAGED)
    except (NotFound, PermissionDenied):
        return  # without the schema there is nothing in it; what may not be seen, the plan says already
