"""The copies that a workspace has, by the tags that settings give to all of a copy's objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from ci.jobs.find import job_name
from infra.settings import Settings

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient


@dataclass(frozen=True)
class Copy:
    """One copy as it stands in the workspace; a part of it may be missing."""

    branch: str
    expires: date
    owner: str
    """Who deployed it: a user name, or a service principal's display name."""
    jobs: tuple[str, ...] = ()
    schema: str | None = None


def find_copies(client: WorkspaceClient, home: Settings) -> list[Copy]:
    """All copies of an environment that the caller may see, by branch."""
    copies: dict[str, Copy] = {}
    for job in client.jobs.list():
        tags: Mapping[str, str] = (job.settings.tags if job.settings else None) or {}
        if _is_copy(tags, home):
            found = copies.get(tags["branch"]) or _copy(tags, job.creator_user_name)
            copies[found.branch] = replace(found, jobs=tuple(sorted({*found.jobs, job_name(job)})))
    for full_name, owner, tags in _schemas(client, home.catalog):
        if _is_copy(tags, home):
            found = copies.get(tags["branch"]) or _copy(tags, owner)
            copies[found.branch] = replace(found, schema=full_name)
    names = _display_names(client, {copy.owner for copy in copies.values()})
    return [replace(copies[branch], owner=names[copies[branch].owner]) for branch in sorted(copies)]


def is_of_copy(tags: Mapping[str, str] | None, settings: Settings) -> bool:
    """Whether an object with these tags belongs to this very copy."""
    return bool(tags) and _is_copy(tags or {}, settings) and (tags or {}).get("branch") == settings.branch


def _is_copy(tags: Mapping[str, str], home: Settings) -> bool:
    """Only a copy has a day on which it expires."""
    expected = {"project": home.project.project, "environment": home.environment}
    return "branch" in tags and "expires" in tags and expected.items() <= tags.items()


def _copy(tags: Mapping[str, str], owner: str | None) -> Copy:
    return Copy(tags["branch"], date.fromisoformat(tags["expires"]), owner or "")


def _schemas(client: WorkspaceClient, catalog: str) -> list[tuple[str, str | None, Mapping[str, str]]]:
    from databricks.sdk.errors import NotFound

    try:
        return [(each.full_name or "", each.owner, each.properties or {}) for each in client.schemas.list(catalog)]
    except NotFound:
        return []


def _display_names(client: WorkspaceClient, owners: set[str]) -> dict[str, str]:
    """Service principals are known by application ids, which tell people nothing."""
    from databricks.sdk.errors import PermissionDenied

    names = {owner: owner for owner in owners}
    try:
        for owner in owners:
            if owner and "@" not in owner:
                found = next(iter(client.service_principals.list(filter=f'applicationId eq "{owner}"')), None)
                names[owner] = (found and found.display_name) or owner
    except PermissionDenied:
        pass  # an application id is still better than nothing
    return names
