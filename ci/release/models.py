"""Versions of an environment's registered model, by documented calls: which is champion, and what made each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ci.deployments.record import Deployment
from ci.errors import Trouble
from ci.release.ledger import Release

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.catalog import ModelVersionInfo

CHAMPION = "champion"
_READY = "READY"
_PROMOTED = "promote:"
_LOOKED_AT = 50


@dataclass(frozen=True)
class Version:
    """One version; `verdict` is what the promotion's rule said of it, in a sentence."""

    number: int
    ready: bool
    commit: str | None
    run_id: str | None
    verdict: str
    created_at: int

    @property
    def promoted(self) -> bool:
        """Whether the verdict made it champion once."""
        return self.verdict.startswith(_PROMOTED)


class Models:
    """The versions of one registered model."""

    def __init__(self, client: WorkspaceClient, model: str) -> None:
        self._client = client
        self.name = model

    def champion(self) -> Version | None:
        """The version that the alias points to; None without one, or without the model."""
        from databricks.sdk.errors import NotFound

        try:
            return self._read(self._client.model_versions.get_by_alias(self.name, CHAMPION))
        except NotFound:
            return None

    def find(self, number: int) -> Version | None:
        """A version, or None where it was deleted."""
        from databricks.sdk.errors import NotFound

        try:
            return self._read(self._client.model_versions.get(self.name, number))
        except NotFound:
            return None

    def newest_first(self) -> Iterator[Version]:
        """The newest versions, each read when it is asked for."""
        from databricks.sdk.errors import NotFound

        try:
            listed = list(self._client.model_versions.list(self.name))
        except NotFound:
            return
        newest = sorted(listed, key=lambda version: version.version or 0, reverse=True)
        yield from map(self._read, newest[:_LOOKED_AT])

    def made_by(self, commit: str) -> list[Version]:
        """What was trained from a commit, newest first."""
        return [version for version in self.newest_first() if version.commit == commit]

    def set_champion(self, number: int | None) -> None:
        """Moves the alias in one call; None takes it away."""
        if number is not None:
            self._client.registered_models.set_alias(self.name, CHAMPION, number)
        elif self.champion() is not None:
            self._client.registered_models.delete_alias(self.name, CHAMPION)

    def _read(self, told: ModelVersionInfo) -> Version:
        status = told.status.value if told.status else ""
        return Version(
            told.version or 0,
            status == _READY,
            self._commit(told.run_id),
            told.run_id,
            told.comment or "",
            told.created_at or 0,
        )

    def _commit(self, run_id: str | None) -> str | None:
        """The commit that the training run was pinned to; the run may have been deleted."""
        from databricks.sdk.errors import NotFound, PermissionDenied

        if not run_id:
            return None
        try:
            run = self._client.experiments.get_run(run_id).run
        except (NotFound, PermissionDenied):
            return None
        tags = (run.data.tags if run and run.data else None) or []
        return next((tag.value for tag in tags if tag.key == "git_commit"), None)


def champion_of(release: Release, deployments: Sequence[Deployment], models: Models) -> int:
    """The version that was champion while a release ran; raises Trouble if none is known, or if it is gone.

    It is what the release left to the next deployment, or what is champion now if there was none; else what its own
    deployment ended with; else the newest version that was trained from its commit and promoted.
    """
    found, source = _recorded(release, deployments, models)
    if found is None:
        trained = models.made_by(release.commit)
        promoted = next((version.number for version in trained if version.promoted), None)
        found, source = promoted, f"trained from {release.commit[:12]} and promoted"
    if found is None:
        raise Trouble(
            f"which version of {models.name} was champion under {release.tag} is not known: no deployment of it is"
            f" recorded, and no version trained from {release.commit[:12]} was promoted. Nothing was changed"
        )
    version = models.find(found)
    if version is None or not version.ready:
        state = "was deleted" if version is None else "is not ready"
        raise Trouble(
            f"version {found} of {models.name} ({source}) {state}: {release.tag} cannot be restored with its model."
            " Nothing was changed"
        )
    return found


def _recorded(release: Release, deployments: Sequence[Deployment], models: Models) -> tuple[int | None, str]:
    """`deployments` are oldest first. A rollback that did not succeed counts for nothing: it was put back."""
    deployments = [found for found in deployments if found.state == "applied" or not found.release_of]
    own = [
        at
        for at, found in enumerate(deployments)
        if found.state == "applied" and (release.tag in (found.tag, found.release_of) or found.commit == release.commit)
    ]
    if not own:
        return None, ""
    later = deployments[own[-1] + 1 :]
    for found in later:
        if found.champion_before is not None:
            return int(found.champion_before), f"champion when {found.id} began"
    present = None if later else models.champion()
    if present:
        return present.number, "champion now"
    last = deployments[own[-1]]
    return (int(last.champion_after), f"champion after {last.id}") if last.champion_after else (None, "")
