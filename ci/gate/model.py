"""What the gate found; written to JSON and read back from it."""

from __future__ import annotations

from datetime import date
from typing import Any

from pydantic import computed_field, model_validator

from ci.plan.model import Frozen
from infra.policies.policy import Policy, Severity
from infra.policies.rule import Purpose


class Place(Frozen):
    """A line of a file of the repository, from its root."""

    file: str
    line: int = 1


class JudgedPolicy(Frozen):
    """A policy that was looked at, whether or not it was broken."""

    id: str
    name: str
    severity: Severity
    advice: str

    @classmethod
    def of(cls, policy: Policy) -> JudgedPolicy:
        """What a report keeps of a policy."""
        return cls(id=policy.id, name=policy.name, severity=policy.severity, advice=policy.advice)


class Finding(Frozen):
    """A policy that an object, a stack or a file breaks."""

    rule: str
    severity: Severity
    refuses: bool
    message: str
    stack: str | None = None
    resource: str | None = None
    place: Place
    related: Place | None = None

    @property
    def object(self) -> str | None:
        """`prod/databricks_job.training`, as exceptions name it; the stack alone where no object is meant."""
        return "/".join(part for part in (self.stack, self.resource) if part) or None


class UsedException(Frozen):
    """A finding that an exception covers."""

    finding: Finding
    reason: str
    approver: str
    until: date


class DeclaredLoss(Frozen):
    """A loss that a commit names, so that the gate lets it pass."""

    environment: str
    address: str
    commit: str


class GateReport(Frozen):
    """The verdict on a commit's stacks and plan."""

    commit: str
    branch: str | None
    bases: dict[str, str | None]
    """By environment: the commit after which the change begins."""
    purpose: Purpose
    plan_digests: dict[str, str]
    """By environment: what was judged, as an approval names it."""
    stacks: tuple[str, ...]
    resources: int
    policies: tuple[JudgedPolicy, ...]
    findings: tuple[Finding, ...] = ()
    exceptions_used: tuple[UsedException, ...] = ()
    declared_losses: tuple[DeclaredLoss, ...] = ()
    seconds: float = 0.0

    @model_validator(mode="before")
    @classmethod
    def _passed_is_computed(cls, data: Any) -> Any:
        """The written verdict is for other readers: what counts follows from the findings."""
        return {key: value for key, value in data.items() if key != "passed"} if isinstance(data, dict) else data

    @computed_field  # type: ignore[prop-decorator] # pydantic's own way, which mypy does not know
    @property
    def passed(self) -> bool:
        """Whether nothing refuses."""
        return not self.refusals

    @property
    def refusals(self) -> tuple[Finding, ...]:
        """The findings that refuse."""
        return tuple(finding for finding in self.findings if finding.refuses)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """The findings that do not."""
        return tuple(finding for finding in self.findings if not finding.refuses)

    def to_sarif(self) -> dict[str, Any]:
        """As SARIF 2.1.0, for code scanning."""
        from ci.gate.sarif import as_sarif

        return as_sarif(self)

    def to_markdown(self) -> str:
        """As Markdown, for a comment."""
        from ci.gate.words import as_markdown

        return as_markdown(self)
