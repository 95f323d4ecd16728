"""What the catalogue tells, apart from how it is gathered and how it looks."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

from ml_code.platform.marketplace.consumers.uses import Kind
from ml_code.platform.marketplace.hub import marks
from ml_code.platform.registry.versions import CHAMPION

RECENT = 30
"""Days over which popularity is counted."""
KINDS: tuple[str, ...] = get_args(Kind)
"""What a use can be."""
OPEN_SOURCE = "open-source"
"""The workspace under which models from outside lie in the archive."""


@dataclass(frozen=True)
class Version:
    """A version of a hub's model and where it comes from; an origin that its tags do not name is empty or 0."""

    number: int
    created: datetime.datetime | None
    aliases: tuple[str, ...]
    stage: str
    description: str
    tags: Mapping[str, str]

    @property
    def workspace(self) -> str:
        """Name of the workspace that it was exported from."""
        return self.tags.get(marks.WORKSPACE, "")

    @property
    def model(self) -> str:
        """Registered model there."""
        return self.tags.get(marks.MODEL, "")

    @property
    def version(self) -> int:
        """Its version there."""
        number = self.tags.get(marks.VERSION, "")
        return int(number) if number.isdecimal() else 0

    @property
    def verdict(self) -> str:
        """What the promotion rule of its origin said: promote, refuse, unchanged; empty where there was none."""
        return self.tags.get("verdict", "")


@dataclass(frozen=True)
class Approval:
    """The last thing that was applied for one principal and one model."""

    applied_at: datetime.datetime
    principal: str
    state: str
    until: datetime.date | None
    approved_by: str
    reason: str
    commit: str
    problem: str = ""
    """Why what was asked for since could not be applied."""
    workspaces: tuple[str, ...] = ()
    """Where it may be brought to; none: it is used at the hub."""

    def holds(self, day: datetime.date) -> bool:
        """Whether the approval is in force on that day."""
        return self.state in ("granted", "kept") and (self.until is None or day <= self.until)


@dataclass(frozen=True)
class Use:
    """Something that a consumer did with a version."""

    used_at: datetime.datetime
    version: int
    workspace: str
    kind: str
    principal: str
    count: int


@dataclass(frozen=True)
class Popularity:
    """Uses of the last RECENT days: by how many workspaces, how many, and of how many rows or requests."""

    workspaces: int = 0
    uses: int = 0
    rows: int = 0


@dataclass(frozen=True)
class Intake:
    """A request for a model from outside and what its check found."""

    request: str
    source: str
    revision: str
    licence: str
    purpose: str
    owner: str
    verdict: str
    reasons: tuple[str, ...]
    checked_at: datetime.datetime
    report: Mapping[str, Any] = field(default_factory=dict)

    def covers(self, version: Version) -> bool:
        """Whether this check let that version in."""
        asked = (self.report.get("model"), self.report.get("version"))
        return version.workspace == OPEN_SOURCE and asked == (version.model, version.version)


@dataclass(frozen=True)
class Evidence:
    """What is known of the shown version from the archive. A file that its origin does not have is left out."""

    flavors: tuple[str, ...] = ()
    size: int = 0
    files: int = 0
    manifest: str = ""
    signature: Mapping[str, Any] | None = None
    host: str = ""
    mlflow: str = ""
    run_id: str = ""
    user: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    lineage: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[Mapping[str, Any], ...] = ()
    results: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """JSON files that validation leaves on a run, by the names of model_card.facts.FILES."""
    card: str = ""
    """The origin's own model card, an HTML page."""
    readme: str = ""
    """What its makers say of it, as text."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Entry:
    """One model of the hub."""

    name: str
    description: str
    versions: Sequence[Version]
    """Newest first; never empty."""
    approvals: Sequence[Approval] = ()
    uses: Sequence[Use] = ()
    intake: Intake | None = None
    evidence: Evidence = field(default_factory=Evidence)

    @property
    def shown(self) -> Version:
        """The version that the page speaks of: the champion (or Production's), else the newest."""
        leading = (each for each in self.versions if CHAMPION in each.aliases or each.stage == "Production")
        return next(leading, self.versions[0])

    def approved(self, day: datetime.date) -> list[Approval]:
        """The approvals that hold on a day."""
        return [each for each in self.approvals if each.holds(day)]

    def popularity(self, day: datetime.date) -> Popularity:
        """Of the days before and with this one."""
        first = day - datetime.timedelta(days=RECENT - 1)
        recent = [use for use in self.uses if first <= use.used_at.date() <= day]
        rows = sum(use.count for use in recent if use.kind != "brought")
        return Popularity(len({use.workspace for use in recent}), len(recent), rows)


@dataclass(frozen=True)
class Refusal:
    """A version that the hub's last import did not take."""

    date: datetime.date
    workspace: str
    model: str
    version: int | None
    status: str
    reason: str


@dataclass(frozen=True)
class Catalogue:
    """Everything, on one day."""

    date: datetime.date
    hub: str
    """Catalog and schema of the hub."""
    entries: Sequence[Entry]
    intakes: Sequence[Intake] = ()
    """The last check of each request and revision, the latest first."""
    refusals: Sequence[Refusal] = ()

    def by_popularity(self) -> list[Entry]:
        """The most used models first: by workspaces, then by uses, then by name."""
        counted = [(each, each.popularity(self.date)) for each in self.entries]
        counted.sort(key=lambda pair: (-pair[1].workspaces, -pair[1].uses, pair[0].name))
        return [entry for entry, _ in counted]
