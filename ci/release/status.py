"""What runs where: of every environment its deployment, champion, jobs and drift, asked side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from ci.apply.clients import client_of
from ci.deployments.record import Deployment
from ci.deployments.store import Deployments
from ci.errors import Trouble
from ci.jobs.find import job_name
from ci.jobs.states import state_of
from ci.plan.model import Frozen
from ci.release.ledger import Release
from ci.release.models import Models
from ci.release.remote import Remote
from ci.repository import find_commit, git
from ci.terraform.credentials import Credentials
from infra.settings import Settings
from infra.workspace.launch import LaunchError

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.jobs import BaseJob

Drift = Literal["yes", "no", "unknown"]


class Deployed(Frozen):
    """The present deployment; `tag` also where the record does not name it, but the commit is that of a release."""

    id: str
    state: str
    commit: str
    tag: str | None
    restores: str | None = Field(description="the earlier tag that a rollback restored")
    digest: str
    at: str
    by: str
    approved_by: str | None


class Champion(Frozen):
    """The version that the alias points to, and the commit that its training ran."""

    version: int
    commit: str | None


class LastRun(Frozen):
    """The newest run of a job; `state` is `never` without one."""

    job: str
    state: str
    at: str | None = None
    run_id: int | None = None


class DriftKnown(Frozen):
    """Whether the workspace differs from what was deployed, as known since `at`."""

    drift: Drift
    at: str | None = None
    detail: str = ""


class EnvironmentStatus(Frozen):
    """One environment; `problem` says why nothing more is known of it."""

    environment: str
    branch: str
    tip: str | None = Field(description="last commit of the branch at the remote")
    behind: int | None = Field(None, description="commits of the branch that are not deployed; None: not known")
    deployed: Deployed | None = None
    champion: Champion | None = None
    jobs: tuple[LastRun, ...] = ()
    drift: DriftKnown = DriftKnown(drift="unknown")
    problem: str | None = None


def statuses(
    environments: Sequence[Settings],
    remote: Remote,
    known: Sequence[Release],
    drift_of: Callable[[Settings, Deployment], DriftKnown],
    credentials: Credentials | None = None,
) -> list[EnvironmentStatus]:
    """In the order given. An environment that cannot be reached holds up none of the others."""
    tags = {release.commit: release.tag for release in known}
    asked = credentials or Credentials()
    with ThreadPoolExecutor(max_workers=len(environments) or 1) as pool:
        return list(pool.map(lambda settings: _status(settings, remote, tags, drift_of, asked), environments))


def _status(
    settings: Settings,
    remote: Remote,
    tags: Mapping[str, str],
    drift_of: Callable[[Settings, Deployment], DriftKnown],
    credentials: Credentials,
) -> EnvironmentStatus:
    from databricks.sdk.errors.base import DatabricksError

    tip = remote.branch(settings.branch)
    found = EnvironmentStatus(environment=settings.environment, branch=settings.branch, tip=tip)
    try:
        client = client_of(settings, "project", credentials)
        latest = Deployments(client, settings).latest()
        told = {
            "deployed": _deployed(latest, tags, _name_of(client, latest)) if latest else None,
            "behind": _behind(remote, latest.commit, tip) if latest and tip else None,
            "champion": _champion(client, settings),
            "jobs": _jobs(client, settings),
            "drift": drift_of(settings, latest) if latest else DriftKnown(drift="unknown", detail="not deployed"),
        }
    except (Trouble, LaunchError, DatabricksError, OSError) as error:
        return found.model_copy(update={"problem": str(error).splitlines()[0] if str(error) else repr(error)})
    return found.model_copy(update=told)


def _name_of(client: WorkspaceClient, latest: Deployment) -> str:
    """Records hold a service principal's application id; its name is known of oneself only."""
    me = client.current_user.me()
    return me.display_name or latest.by if me.user_name == latest.by else latest.by


def _deployed(latest: Deployment, tags: Mapping[str, str], by: str) -> Deployed:
    return Deployed(
        id=latest.id,
        state=latest.state,
        commit=latest.commit,
        tag=latest.tag or tags.get(latest.commit),
        restores=latest.release_of,
        digest=latest.digest,
        at=latest.ended_at or latest.started_at,
        by=by,
        approved_by=latest.approved_by,
    )


def _behind(remote: Remote, deployed: str, tip: str) -> int | None:
    if find_commit(remote.repository, deployed) is None:
        return None
    return int(git(remote.repository, "rev-list", "--count", tip, f"^{deployed}"))


def _champion(client: WorkspaceClient, settings: Settings) -> Champion | None:
    champion = Models(client, settings.model_full_name).champion()
    return Champion(version=champion.number, commit=champion.commit) if champion else None


def _jobs(client: WorkspaceClient, settings: Settings) -> tuple[LastRun, ...]:
    """The environment's own jobs, by their names' beginning, without what is the same in all of them."""
    start = settings.job_name("")
    own = [job for job in client.jobs.list() if job_name(job).startswith(start)]
    return tuple(_last_run(client, job, job_name(job).removeprefix(start)) for job in sorted(own, key=job_name))


def _last_run(client: WorkspaceClient, job: BaseJob, name: str) -> LastRun:
    run = next(iter(client.jobs.list_runs(job_id=job.job_id, limit=1)), None)
    if run is None:
        return LastRun(job=name, state="never")
    moment = run.end_time or run.start_time
    at = datetime.fromtimestamp(moment / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None
    return LastRun(job=name, state=state_of(run).word, at=at, run_id=run.run_id)
