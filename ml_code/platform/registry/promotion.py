"""The promotion rule.

The first version becomes champion when the point estimate of the metric on held-out rows is at least the floor. A
challenger must reach the floor too, and beat the champion by at least the threshold in the difference of point
estimates on the same rows. Intervals are reported beside the points, not tested: with a sample this small an interval
that excludes zero would refuse nearly every improvement, and the threshold is where a team says how much it asks for.
An undefined metric (one outcome absent) refuses.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

from ml_code.platform.evaluation.intervals import Estimate

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

    def as_dict(self) -> dict[str, Any]:
        """JSON form (NaN as None), small enough for a task value."""
        return {key: _json(value) for key, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> "Verdict":
        """From the JSON form."""
        estimates = {
            key: Estimate(**{end: float("nan") if raw[key][end] is None else raw[key][end] for end in raw[key]})
            for key in ("candidate", "champion", "difference")
            if raw.get(key) is not None
        }
        return cls(**{**raw, **estimates})

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
) -> Verdict:
    """Apply the rule; without a champion the floor alone decides."""

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
        )

    if champion_version == version:
        return verdict("unchanged", "this version is the champion already")
    if not math.isfinite(candidate.value):
        return verdict("refuse", f"{metric} is not defined on these rows")
    if candidate.value < floor:
        return verdict("refuse", f"{metric} {candidate.value:.3f} is below the floor {floor:g}")
    if champion_version is None or difference is None:
        return verdict("promote", f"first champion, {metric} {candidate.value:.3f} reaches the floor {floor:g}")
    if not difference.value >= threshold:
        return verdict("refuse", f"better than the champion by {difference.value:.3f}, the threshold is {threshold:g}")
    return verdict("promote", f"better than the champion by {difference.value:.3f}, the threshold is {threshold:g}")


def _json(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _json(item) for key, item in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
