"""Small charts for the page, as shapes with coordinates; the template draws them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ci.rehearsal.model import Estimate, JobPair, ModelPair, Rehearsal

WIDTH = 680
"""Of every chart, in the drawing's own units."""

_LABEL, _VALUES = 220, 150
_LEFT, _RIGHT = _LABEL, WIDTH - _VALUES
_ROW, _BAR = 22, 9


@dataclass(frozen=True)
class Mark:
    """An estimate: a point with its interval."""

    y: float
    x: float
    low: float
    high: float
    kind: str
    text: str


@dataclass(frozen=True)
class IntervalRow:
    """One metric of both models, on a scale of its own; `label_y` is where its name stands."""

    label: str
    label_y: float
    marks: Sequence[Mark]


@dataclass(frozen=True)
class IntervalChart:
    """Every metric with its intervals."""

    height: float
    left: float
    right: float
    rows: Sequence[IntervalRow]


@dataclass(frozen=True)
class Bar:
    """A time, drawn from `x` on."""

    y: float
    x: float
    width: float
    height: float
    kind: str
    text: str


@dataclass(frozen=True)
class BarRow:
    """One task, or one part, with its bars."""

    label: str
    label_y: float
    strong: bool
    bars: Sequence[Bar]


@dataclass(frozen=True)
class BarChart:
    """Times side by side."""

    height: float
    left: float
    rows: Sequence[BarRow]


def intervals(pair: ModelPair) -> IntervalChart | None:
    """Champion and challenger, metric by metric: each on its own scale, as metrics have different ones."""
    sides = [("champion", pair.champion), ("challenger", pair.challenger)]
    names = dict.fromkeys(name for _, side in sides if side for name in side.metrics)
    rows, y = [], 8.0
    for name in names:
        both = [(kind, side.metrics[name]) for kind, side in sides if side and name in side.metrics]
        low, high = _range([estimate for _, estimate in both])
        marks = []
        for index, (kind, estimate) in enumerate(both):
            at = y + 8 + index * 13
            ends = [estimate.value if end is None else end for end in (estimate.low, estimate.high)]
            x, left, right = (_place(end, low, high) for end in (estimate.value, *ends))
            marks.append(Mark(at, x, left, right, kind, _text(estimate)))
        rows.append(IntervalRow(name, y + 4 + 13 * len(both) / 2 + 4, marks))
        y += 13 * len(both) + 14
    return IntervalChart(y, _LEFT, _RIGHT, rows) if rows else None


def durations(found: Rehearsal) -> BarChart | None:
    """Every job and its tasks, before and after."""
    entries = [entry for pair in found.jobs for entry in _times(pair)]
    longest = max((seconds for _, _, both in entries for seconds in both if seconds), default=0)
    if not longest:
        return None
    rows: list[BarRow] = []
    y = 4.0
    for label, strong, both in entries:
        y += 8 if strong and rows else 0
        bars = []
        for index, (kind, seconds) in enumerate(zip(("base", "change"), both, strict=True)):
            if seconds is not None:
                width = max(1.0, (_RIGHT - _LEFT) * seconds / longest)
                bars.append(Bar(y + index * (_BAR + 1), _LEFT, width, _BAR, kind, f"{seconds:.1f} s"))
        rows.append(BarRow(label, y + 14, strong, bars))
        y += _ROW + 4
    return BarChart(y, _LEFT, rows)


def course(found: Rehearsal) -> BarChart | None:
    """What went on when: the parts of the rehearsal on one scale of time."""
    if not found.steps or not found.seconds:
        return None
    scale = (_RIGHT - _LEFT) / found.seconds
    rows = []
    for index, step in enumerate(found.steps):
        y = 4.0 + index * _ROW
        bar = Bar(
            y + 3, _LEFT + step.began * scale, max(1.0, step.seconds * scale), 12, "change", f"{step.seconds:.1f} s"
        )
        rows.append(BarRow(step.name, y + 13, False, [bar]))
    return BarChart(4.0 + len(rows) * _ROW, _LEFT, rows)


def _times(pair: JobPair) -> Iterator[tuple[str, bool, Sequence[float | None]]]:
    """Label, whether it is a job's, and the seconds before and after."""
    yield pair.name, True, [run.seconds if run else None for run in (pair.before, pair.after)]
    for key, before, after in pair.tasks():
        yield key, False, [task.seconds if task else None for task in (before, after)]


def _range(estimates: Sequence[Estimate]) -> tuple[float, float]:
    values = [end for each in estimates for end in (each.value, each.low, each.high) if end is not None]
    low, high = min(values), max(values)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _place(value: float, low: float, high: float) -> float:
    return _LEFT + 8 + (_RIGHT - _LEFT - 16) * (value - low) / (high - low)


def _text(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.3f}"
    return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"
