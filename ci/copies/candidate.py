"""The evidence of a copy's training: its candidate's numbers beside the environment's champion."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

from ci.markdown import cell
from ci.models.compare import Training
from ci.plan.model import Frozen

_TEST, _LOW, _HIGH = "test_", "_low", "_high"
_METRIC = "auc"  # what the settings' floor and threshold are measured in
_COUNTS = ("rows", "positives")


class Estimate(Frozen):
    """A metric on held-out rows, with its confidence interval where one was logged."""

    value: float
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        interval = "" if self.low is None or self.high is None else f" [{self.low:.3f}, {self.high:.3f}]"
        return f"{self.value:.3f}{interval}"


class Version(Frozen):
    """A registered version and what it measured on held-out rows."""

    model: str
    version: int
    mlflow_run: str
    data_digest: str | None = None
    rows: int = 0
    positives: int = 0
    metrics: dict[str, Estimate]


class Candidate(Frozen):
    """What a pull request's training produced; `verdict` is what the promotion rule says beside the champion."""

    branch: str
    commit: str
    environment: str
    job_run: int
    job_run_url: str | None = None
    candidate: Version
    champion: Version | None = None
    same_rows: bool = False
    floor: float
    threshold: float
    verdict: Literal["promote", "refuse"]
    reason: str


def measured(model: str, version: int, training: Training, tags: Mapping[str, str]) -> Version:
    """A version's test metrics, as its training run logged them."""
    numbers = {name.removeprefix(_TEST): value for name, value in training.metrics.items() if name.startswith(_TEST)}
    names = [name for name in numbers if not name.endswith((_LOW, _HIGH)) and name not in _COUNTS]
    return Version(
        model=model,
        version=version,
        mlflow_run=training.run_id,
        data_digest=tags.get("data_digest"),
        rows=int(numbers.get("rows", 0)),
        positives=int(numbers.get("positives", 0)),
        metrics={
            name: Estimate(value=numbers[name], low=numbers.get(name + _LOW), high=numbers.get(name + _HIGH))
            for name in sorted(names)
        },
    )


def judge(
    candidate: Version, champion: Version | None, floor: float, threshold: float
) -> tuple[Literal["promote", "refuse"], str]:
    """The promotion rule on point estimates, and its reason."""
    ours = candidate.metrics.get(_METRIC)
    if ours is None or not math.isfinite(ours.value):
        return "refuse", f"{_METRIC} was not measured"
    if ours.value < floor:
        return "refuse", f"{_METRIC} {ours.value:.3f} is below the floor {floor:g}"
    theirs = champion.metrics.get(_METRIC) if champion else None
    if theirs is None:
        return "promote", f"no champion yet; {_METRIC} {ours.value:.3f} reaches the floor {floor:g}"
    apart = ours.value - theirs.value
    decision: Literal["promote", "refuse"] = "promote" if apart >= threshold else "refuse"
    return decision, f"{_METRIC} differs from the champion's by {apart:+.3f}, the threshold is {threshold:g}"


def candidate_as_markdown(found: Candidate) -> str:
    """Verdict, metrics side by side, and what they were measured on."""
    champion = found.champion
    lines = [f"## Candidate of {cell(found.branch)} at `{found.commit[:12]}`", ""]
    lines += [f"{_verdict_in_words(found)}.", ""]
    theirs = f"champion, {_name(champion)}" if champion else f"champion of {found.environment}"
    lines += [f"| held-out rows | candidate, {_name(found.candidate)} | {theirs} |", "|---|--:|--:|"]
    lines += [_row(name, found.candidate, champion) for name in found.candidate.metrics]
    lines.append(f"| rows (outcomes) | {_rows(found.candidate)} | {_rows(champion)} |")
    lines += ["", _about_rows(found)]
    run = f"run {found.job_run}"
    lines.append(f"Trained by {f'[{run}]({found.job_run_url})' if found.job_run_url else run}.")
    return "\n".join([*lines, ""])


def _verdict_in_words(found: Candidate) -> str:
    word = "would be promoted" if found.verdict == "promote" else "would be refused"
    return f"The candidate **{word}** in {found.environment}: {found.reason}"


def _row(metric: str, candidate: Version, champion: Version | None) -> str:
    theirs = champion.metrics.get(metric) if champion else None
    return f"| {cell(metric)} | {candidate.metrics[metric]} | {theirs or '–'} |"


def _rows(version: Version | None) -> str:
    return f"{version.rows} ({version.positives})" if version else "–"


def _name(version: Version) -> str:
    return f"`{version.model}` v{version.version}"


def _about_rows(found: Candidate) -> str:
    if found.champion is None:
        return "Brackets are 95 % confidence intervals."
    if found.same_rows:
        return "Both were measured on the same rows; brackets are 95 % confidence intervals."
    return (
        "The two were measured on different rows, so their difference is an indication only;"
        " a promotion measures both on the same rows."
    )
