"""The data gate: a training set against the last one. Changed enough to train again? Too much to be trusted?

`stop` where a limit of trust is passed, else `train` where something changed enough, else what the project does with
unchanged data. Distributions are compared in the bins that the last profile keeps; of few rows a measure counts only
where chance does not explain it (chi-square test of the same bins, p below `CHANCE`).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from ml_code.platform.configuration import Section, parse
from ml_code.platform.data_checks.bins import counted
from ml_code.platform.data_checks.columns import Prepared
from ml_code.platform.data_checks.profile import ColumnProfile, TableProfile
from ml_code.platform.errors import ConfigurationError
from ml_code.platform.monitoring.drift.chi_square import chi_square
from ml_code.platform.monitoring.drift.jensen_shannon import jensen_shannon
from ml_code.platform.monitoring.drift.population_stability_index import population_stability_index

Decision = Literal["train", "skip", "stop"]
Share = Annotated[float, Field(ge=0, le=1)]
Bound = Annotated[float, Field(ge=0)]

CHANCE = 0.001


class DataLimits(Section):
    """Limits of the gate. The first four ask for a training, the others refuse one."""

    new_rows: Bound = 0.05
    """New rows, as a share of the last training set's."""
    drift: Bound = 0.1
    """Population stability index of any column."""
    label_rate: Bound = 0.1
    """Change of the label's mean, as a share of what it was."""
    missing: Share = 0.05
    """Change of a column's share of missing values (null, NaN or infinite)."""

    least_rows: Share = 0.5
    """Rows, as a share of the last training set's."""
    torn: Bound = 2.0
    """Population stability index from which on a column is not the same column any more."""
    torn_js: Share = 0.6
    """The same for the Jensen-Shannon distance."""
    missing_jump: Share = 0.3
    """Growth of a column's share of missing values."""
    ignore: tuple[str, ...] = ()
    """Columns that are not judged; the label always is."""


@dataclass(frozen=True)
class Shift:
    """How far a column moved from the last training set, in the bins of its profile."""

    population_stability_index: float
    js_distance: float
    pvalue: float


@dataclass(frozen=True)
class TrainingSet:
    """What the gate knows of a training set. `asked` are the columns that the project wants, there or not."""

    profile: TableProfile
    label: str
    asked: tuple[str, ...]
    code_digest: str


@dataclass(frozen=True)
class Last:
    """The last training set, as its run kept it."""

    name: str
    profile: TableProfile
    code_digest: str | None


@dataclass(frozen=True)
class GateVerdict:
    """The decision and its reasons in words."""

    decision: Decision
    reasons: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        return asdict(self) | {"reasons": list(self.reasons)}


def read_limits(text: str) -> DataLimits:
    """Limits from JSON; absent ones keep their defaults. Raises ConfigurationError for unknown keys and bad values."""
    try:
        raw = json.loads(text or "{}")
    except json.JSONDecodeError as error:
        raise ConfigurationError(f"data_limits: not JSON ({error.msg}, character {error.pos + 1})") from None
    return parse(DataLimits, raw, "data_limits")


def shift(column: Prepared, last: ColumnProfile | None) -> Shift | None:
    """How far a column moved; None when it is new or of another kind, or one of them has no values."""
    bins = last.bins if last else None
    counts = counted(column, bins) if bins else None
    if bins is None or counts is None:
        return None
    before = np.asarray(bins.counts)
    index, distance = population_stability_index(counts, before), jensen_shannon(counts, before)
    test = chi_square(counts, before)
    return None if index is None or distance is None or test is None else Shift(index, distance, test.pvalue)


def decide(
    present: TrainingSet,
    last: Last | None,
    shifts: Mapping[str, Shift | None],
    limits: DataLimits,
    *,
    new_rows: int | None = None,
    when_unchanged: Literal["train", "skip"] = "skip",
) -> GateVerdict:
    """Apply the limits. `new_rows`: rows that are new or have another label; None: only the number of rows is known."""
    if broken := [*_unusable(present), *(_untrusted(present, last.profile, shifts, limits) if last else ())]:
        return GateVerdict("stop", tuple(broken))
    if last is None:
        return GateVerdict("train", ("there is no profile of an earlier training set to compare with",))
    if changed := list(_changed(present, last, shifts, limits, new_rows)):
        return GateVerdict("train", tuple(changed))
    same = present.profile.digest == last.profile.digest
    said = f"neither data nor code changed since {last.name}" if same else f"too little changed since {last.name}"
    if when_unchanged == "train":
        return GateVerdict("train", (f"{said}, and the settings train nevertheless",))
    return GateVerdict("skip", (said,))


def _unusable(present: TrainingSet) -> Iterator[str]:
    """What no training set may be, with or without an earlier one."""
    profile = present.profile
    if not profile.rows:
        yield "the training set has no rows"
        return
    label = profile.columns.get(present.label)
    if label is None:
        yield f"the label {present.label} is absent"
    elif not label.values:
        yield f"the label {present.label} has no value in any of {profile.rows} rows"
    elif label.distinct == 1:
        yield f"the label {present.label} is {_value(label.minimum)} in every row"


def _untrusted(
    present: TrainingSet, last: TableProfile, shifts: Mapping[str, Shift | None], limits: DataLimits
) -> Iterator[str]:
    profile = present.profile
    if profile.rows < limits.least_rows * last.rows:
        yield f"{profile.rows} rows, less than {_percent(limits.least_rows)} of the last training set's {last.rows}"
    for name in _judged(last.columns, limits):
        before, now = last.columns[name], profile.columns.get(name)
        if now is None:
            # A column that the project stopped asking for was left out on purpose.
            if name in present.asked:
                yield f"column {name} is gone"
            continue
        if (now.kind, now.type) != (before.kind, before.type):
            yield f"column {name} is {now.type}, it was {before.type}"
            continue
        grown = _missing(now) - _missing(before)
        if grown > limits.missing_jump:
            yield _missing_words(now, before)
        elif torn := _torn(shifts.get(name), limits):
            yield f"column {name}: its distribution is torn ({torn})"


def _changed(
    present: TrainingSet,
    last: Last,
    shifts: Mapping[str, Shift | None],
    limits: DataLimits,
    new_rows: int | None,
) -> Iterator[str]:
    now, before = present.profile, last.profile
    if last.code_digest != present.code_digest:
        yield f"the code changed since {last.name}"
    if added := [name for name in now.columns if name not in before.columns]:
        yield f"new columns: {', '.join(added)}"
    if left := [name for name in before.columns if name not in now.columns]:
        yield f"columns not used any more: {', '.join(left)}"
    new = now.rows - before.rows if new_rows is None else new_rows
    if new > 0 and new >= limits.new_rows * before.rows:
        yield f"{new} new or corrected rows beside {before.rows}"
    yield from _label_change(now.columns.get(present.label), before.columns.get(present.label), limits)
    for name in _judged(before.columns, limits):
        column, moved = now.columns.get(name), shifts.get(name)
        if column is None:
            continue
        if abs(_missing(column) - _missing(before.columns[name])) > limits.missing:
            yield _missing_words(column, before.columns[name])
        if moved and moved.pvalue < CHANCE and moved.population_stability_index > limits.drift:
            yield f"column {name}: population stability index {moved.population_stability_index:.2f}"


def _label_change(now: ColumnProfile | None, before: ColumnProfile | None, limits: DataLimits) -> Iterator[str]:
    if now is None or before is None or now.mean is None or not before.mean:
        return
    if abs(now.mean - before.mean) > limits.label_rate * abs(before.mean):
        yield f"label {now.name}: mean {now.mean:.4g}, it was {before.mean:.4g}"


def _torn(moved: Shift | None, limits: DataLimits) -> str | None:
    if moved is None or moved.pvalue >= CHANCE:
        return None
    if moved.population_stability_index > limits.torn:
        return f"population stability index {moved.population_stability_index:.2f}, at most {limits.torn:g} is trusted"
    if moved.js_distance > limits.torn_js:
        return f"Jensen-Shannon distance {moved.js_distance:.2f}, at most {limits.torn_js:g} is trusted"
    return None


def _judged(columns: Mapping[str, ColumnProfile], limits: DataLimits) -> Sequence[str]:
    return [name for name in columns if name not in limits.ignore]


def _missing(column: ColumnProfile) -> float:
    return (column.nulls + column.nans + column.infinities) / column.rows if column.rows else 0.0


def _missing_words(now: ColumnProfile, before: ColumnProfile) -> str:
    return f"column {now.name}: {_percent(_missing(now))} of the values are missing, {_percent(_missing(before))} were"


def _percent(share: float) -> str:
    return f"{share:.0%}" if share in (0, 1) or 0.1 <= share <= 0.9 else f"{share:.1%}"


def _value(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
