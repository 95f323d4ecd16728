"""Approved models brought into a workspace: registered whole, granted to whom they are approved for, counted."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ml_code.platform.errors import StepError
from ml_code.platform.marketplace.archive.archive import Archive
from ml_code.platform.marketplace.consumers.brought import Brought, full_name, read_brought, write_brought
from ml_code.platform.marketplace.consumers.uses import record_use
from ml_code.platform.marketplace.consumers.wanted import Choice, NotApproved, Wanted, choose, covers_brought
from ml_code.platform.marketplace.governance.apply import Applied, apply_approvals
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


def bring(
    archive: Archive,
    consumer: Consumer,
    wanted: Sequence[Wanted],
    grants: Grants,
    transfer: Transfer,
    day: datetime.date,
    *,
    dry_run: bool = False,
) -> tuple[list[Outcome], list[Applied]]:
    """Brings what is wanted and approved, and takes back the grants on what was brought and is not approved any more.

    What cannot be brought stops nothing else. One run of a workspace at a time: raises Leased, and StepError where the
    hub has told no approvals yet.
    """
    index = read_index(archive)
    if index is None:
        raise StepError(f"{archive.url}: the hub has not told any approvals yet: its job approve does")
    if dry_run:
        return [_dry(index, consumer, each, day) for each in wanted], []
    with archive.lease(f"consumer-{consumer.workspace}"):
        known = read_brought(archive, consumer.workspace)
        outcomes = [_one(archive, index, consumer, each, transfer, day, known) for each in wanted]
        return outcomes, list(_granted(index, consumer, known, grants, day))


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
    except (StepError, OSError) as error:
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
    now = Brought(name, model.name, wanted.version, version)
    if now == before:
        return Outcome(model.name, name, KEPT, wanted.version, version)
    known[name] = now
    write_brought(archive, consumer.workspace, known)
    return Outcome(model.name, name, BROUGHT, wanted.version, version)


def _granted(
    index: Index, consumer: Consumer, known: dict[str, Brought], grants: Grants, day: datetime.date
) -> Iterator[Applied]:
    """The rights on every model that was ever brought, as the approvals for this workspace say."""
    for name, brought in sorted(known.items()):
        if brought.version is None:
            continue
        model = index.model(brought.model)
        approvals = [
            each
            for each in (model.approvals_of(consumer.workspace) if model else ())
            if covers_brought(each, brought.hub_version)
        ]
        yield from apply_approvals(approvals, {brought.model: name}, grants, day)


def _dry(index: Index, consumer: Consumer, wanted: Wanted, day: datetime.date) -> Outcome:
    name = consumer.full_name(wanted)
    try:
        choice = choose(index, wanted, consumer.workspace, day)
    except StepError as error:
        return Outcome(wanted.model, name, REFUSED if isinstance(error, NotApproved) else FAILED, reason=str(error))
    return Outcome(choice.model.name, name, BROUGHT, choice.version.version)
