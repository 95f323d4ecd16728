"""Approved models brought into a workspace: registered whole, granted to whom they are approved for, counted."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from ml_code.platform.errors import StepError
from ml_code.platform.marketplace.archive.archive import Archive
from ml_code.platform.marketplace.consumers.brought import Brought, full_name, read_brought, write_brought
from ml_code.platform.marketplace.consumers.uses import record_use
from ml_code.platform.marketplace.consumers.wanted import Choice, NotApproved, Wanted, choose, covers_brought
from ml_code.platform.marketplace.governance.apply import Applied, apply_approvals
from ml_code.platform.marketplace.governance.approvals import Approval
from ml_code.platform.marketplace.governance.grants import Grants
from ml_code.platform.marketplace.governance.index import Index, read_index
from ml_code.platform.marketplace.manifest import Manifest

BROUGHT, KEPT, REFUSED, FAILED = "brought", "kept", "refused", "failed"
Transfer = Callable[[Manifest, str], int]
"""Registers a manifest's version under a full name, as champion, and tells its number; one that is there stays."""


@dataclass(frozen=True)
class Consumer:
    """The workspace that models are brought to; `principal` is who brings them."""

    workspace: str
    principal: str
    place: str | None
    """Catalog and schema of names that have neither; None: the workspace's own registry."""

    def full_name(self, wanted: Wanted) -> str:
        """What a wanted model is called here."""
        return full_name(self.place, wanted.name or wanted.model)


class Endpoints(Protocol):
    """Serving endpoints of brought models."""

    def serve(self, model: str, version: int, principals: Collection[str]) -> str:
        """Serves the version to the principals alone; says what was done. Raises StepError."""
        ...

    def end(self, model: str) -> str:
        """Removes the endpoint; says what was done. Raises StepError."""
        ...


@dataclass(frozen=True)
class Outcome:
    """What became of one wanted model."""

    model: str
    name: str
    status: str
    """brought, kept, refused (not approved, or not any more) or failed."""
    hub_version: int | None = None
    version: int | None = None
    reason: str = ""


@dataclass(frozen=True)
class Served:
    """What became of the endpoint of a brought model; `done` is what was done, or None and the reason why not."""

    name: str
    done: str | None
    reason: str = ""


@dataclass(frozen=True)
class Report:
    """All that a run did."""

    outcomes: Sequence[Outcome]
    applied: Sequence[Applied] = ()
    served: Sequence[Served] = ()


def bring(
    archive: Archive,
    consumer: Consumer,
    wanted: Sequence[Wanted],
    grants: Grants,
    transfer: Transfer,
    endpoints: Endpoints,
    day: datetime.date,
    *,
    dry_run: bool = False,
) -> Report:
    """Brings what is wanted and approved, and takes back the grants on what was brought and is not approved any more.

    What cannot be brought stops nothing else. One run of a workspace at a time: raises Leased, and StepError where the
    hub has told no approvals yet.
    """
    index = read_index(archive)
    if index is None:
        raise StepError(f"{archive.url}: the hub has not told any approvals yet: its job approve does")
    if dry_run:
        return Report([_dry(index, consumer, each, day) for each in wanted])
    with archive.lease(f"consumer-{consumer.workspace}"):
        known = read_brought(archive, consumer.workspace)
        outcomes = [_one(archive, index, consumer, each, transfer, day, known) for each in wanted]
        to_serve = {consumer.full_name(each) for each in wanted if each.deploy == "endpoint"}
        for name in sorted(to_serve & known.keys()):
            known[name] = replace(known[name], endpoint=True)
        write_brought(archive, consumer.workspace, known)
        applied, served = [], []
        for brought in [each for _, each in sorted(known.items()) if each.version]:
            approvals = _approvals(index, consumer, brought)
            applied += apply_approvals(approvals, {brought.model: brought.name}, grants, day)
            if brought.endpoint:
                served.append(_served(endpoints, brought, [each for each in approvals if each.holds(day)]))
        return Report(outcomes, applied, served)


def _one(
    archive: Archive,
    index: Index,
    consumer: Consumer,
    wanted: Wanted,
    transfer: Transfer,
    day: datetime.date,
    known: dict[str, Brought],
) -> Outcome:
    name = consumer.full_name(wanted)
    try:
        choice = choose(index, wanted, consumer.workspace, day)
    except NotApproved as error:
        return Outcome(wanted.model, name, REFUSED, reason=str(error))
    except StepError as error:
        return Outcome(wanted.model, name, FAILED, reason=str(error))
    try:
        return _brought(archive, consumer, choice, name, transfer, known)
    except _errors() as error:
        return Outcome(wanted.model, name, FAILED, choice.version.version, reason=str(error))


def _brought(
    archive: Archive, consumer: Consumer, choice: Choice, name: str, transfer: Transfer, known: dict[str, Brought]
) -> Outcome:
    """A name is written down before it is registered, so that a kill leaves nothing that later runs do not know of."""
    model, wanted = choice.model, choice.version
    before = known.get(name)
    if before and before.model != model.name:
        raise StepError(f"{name} is {before.model} of the marketplace already: give {model.name} another name")
    if before is None:
        known[name] = Brought(name, model.name, wanted.version, None)
        write_brought(archive, consumer.workspace, known)
    version = transfer(archive.manifest(wanted.manifest, wanted.manifest_sha256), name)
    record_use(
        archive,
        model=model.name,
        version=wanted.version,
        workspace=consumer.workspace,
        kind="brought",
        principal=consumer.principal,
        once=name,
    )
    now = Brought(name, model.name, wanted.version, version, endpoint=bool(before and before.endpoint))
    if now == before:
        return Outcome(model.name, name, KEPT, wanted.version, version)
    known[name] = now
    write_brought(archive, consumer.workspace, known)
    return Outcome(model.name, name, BROUGHT, wanted.version, version)


def _approvals(index: Index, consumer: Consumer, brought: Brought) -> list[Approval]:
    """Those for what this workspace has brought, ended ones too."""
    model = index.model(brought.model)
    of_workspace = model.approvals_of(consumer.workspace) if model else ()
    return [each for each in of_workspace if covers_brought(each, brought.hub_version)]


def _served(endpoints: Endpoints, brought: Brought, holding: Sequence[Approval]) -> Served:
    """An endpoint ends with its approval: whoever may not use the model any more does not query it either."""
    try:
        if holding and brought.version:
            principals = {principal for each in holding for principal in each.principals}
            return Served(brought.name, endpoints.serve(brought.name, brought.version, principals))
        return Served(brought.name, endpoints.end(brought.name))
    except (StepError, OSError) as error:
        return Served(brought.name, None, str(error))


def _dry(index: Index, consumer: Consumer, wanted: Wanted, day: datetime.date) -> Outcome:
    name = consumer.full_name(wanted)
    try:
        choice = choose(index, wanted, consumer.workspace, day)
    except StepError as error:
        return Outcome(wanted.model, name, REFUSED if isinstance(error, NotApproved) else FAILED, reason=str(error))
    return Outcome(choice.model.name, name, BROUGHT, choice.version.version)


def _errors() -> tuple[type[Exception], ...]:
    """What bringing one model fails with; MLflow's and the workspace's own among them."""
    from databricks.sdk.errors.base import DatabricksError
    from mlflow.exceptions import MlflowException

    return (StepError, OSError, DatabricksError, MlflowException)
