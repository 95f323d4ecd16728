"""The promotion rule.

The first version becomes champion when the point estimate of the metric on held-out rows is at least the floor. A
challenger must reach the floor too, and beat the champion by at least the threshold in the difference of point
estimates on the same rows. Intervals are reported beside the points, not tested: with a sample this small an interval
that excludes zero would refuse nearly every improvement, and the threshold is where a team says how much it asks for.
An undefined metric (one outcome absent) refuses.

A version that passes so far must meet further conditions: limits of fairness and of the model's profile. One that is
missed refuses the version, however much better it is; one that these rows cannot judge does not. They too are tested by
point values. Each is a finding with a name, and so are floor and threshold.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ml_code.platform.evaluation.intervals import Estimate
from ml_code.platform.json_form import json_form
from ml_code.platform.registry.findings import Finding, at_least

Decision = Literal["promote", "refuse", "unchanged"]


@dataclass(frozen=True)
class Verdict:
    """What the rule says about a version, and the numbers that it said it by."""

    decision: Decision
    reason: str
    metric: str
    floor: float
    threshold: float
    version: int
    candidate: Estimate
    rows: int
    positives: int
    champion_version: int | None = None
    champion: Estimate | None = None
    difference: Estimate | None = None
    findings: tuple[Finding, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """JSON form (NaN as None). Databricks keeps 48 KiB of a task value: a finding takes about 0.5 KiB of them."""
        plain: dict[str, Any] = json_form(self)
        return plain

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> "Verdict":
        """From the JSON form."""
        estimates = {
            key: Estimate(**{end: float("nan") if raw[key][end] is None else raw[key][end] for end in raw[key]})
            for key in ("candidate", "champion", "difference")
            if raw.get(key) is not None
        }
        findings = tuple(Finding(**finding) for finding in raw.get("findings", ()))
        return cls(**{**raw, **estimates, "findings": findings})

    def missed(self) -> tuple[Finding, ...]:
        """The conditions that the version does not meet."""
        return tuple(finding for finding in self.findings if finding.outcome == "missed")

    def sentence(self) -> str:
        """The verdict in one or two sentences, for people."""
        text = f"{self.decision}: {self.reason}. {self.metric} {self.candidate} on {self.rows} held-out rows"
        text += f" ({self.positives} outcomes)"
        if self.champion is not None and self.difference is not None:
            text += f"; champion v{self.champion_version} {self.champion}; difference {self.difference}"
        return text + f"; floor {self.floor:g}, threshold {self.threshold:g}."


def decide(
    *,
    metric: str,
    floor: float,
    threshold: float,
    version: int,
    candidate: Estimate,
    rows: int,
    positives: int,
    champion_version: int | None = None,
    champion: Estimate | None = None,
    difference: Estimate | None = None,
    conditions: Sequence[Finding] = (),
) -> Verdict:
    """Apply the rule; without a champion the floor and the conditions decide."""
    findings = [at_least("floor", candidate.value, floor, metric)]
    if not math.isfinite(candidate.value):
        findings = [Finding("floor", "missed", None, floor, f"{metric} is not defined on these rows")]
    if difference is not None and champion_version != version:
        findings.append(at_least("threshold", difference.value, threshold, f"difference to the champion in {metric}"))
    findings.extend(conditions)
    missed = [finding for finding in conditions if finding.outcome == "missed"]

    def verdict(decision: Decision, reason: str) -> Verdict:
        return Verdict(
            decision,
            reason,
            metric,
            floor,
            threshold,
            version,
            candidate,
            rows,
            positives,
            champion_version,
            champion,
            difference,
            tuple(findings),
        )

    def passed(reason: str) -> Verdict:
        if missed:
            return verdict("refuse", f"{reason}, but {'; '.join(finding.words for finding in missed)}")
        return verdict("promote", reason)

    if champion_version == version:
        return verdict("unchanged", "this version is the champion already")
    if not math.isfinite(candidate.value):
        return verdict("refuse", f"{metric} is not defined on these rows")
    if candidate.value < floor:
        return verdict("refuse", f"{metric} {candidate.value:.3f} is below the floor {floor:g}")
    if champion_version is None or difference is None:
        return passed(f"first champion, {metric} {candidate.value:.3f} reaches the floor {floor:g}")
    if not difference.value >= threshold:
        return verdict("refuse", f"better than the champion by {difference.value:.3f}, the threshold is {threshold:g}")
    return passed(f"better than the champion by {difference.value:.3f}, the threshold is {threshold:g}")
