"""What a rule says about a metric's readings: pure, so that it can be checked against a plain model of it."""

import datetime
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ml_code.platform.monitoring.metric_tables import TABLE as WHOLE
from ml_code.platform.monitoring.rules import EVERY, Rule
from ml_code.platform.monitoring.windows import Window


@dataclass(frozen=True)
class Reading:
    """A metric of one column in one window; `rows` are those behind it, None where no table tells.

    Of a drift metric `compared` are the rows on the other side, and `bins` those that both were counted in.
    """

    column: str
    window: Window
    value: float | None
    rows: int | None
    slice_value: str | None = None
    compared: int | None = None
    bins: int | None = None


@dataclass(frozen=True)
class ColumnJudgement:
    """One column: its latest value, and how many of the windows looked at are beyond the limit."""

    column: str
    value: float
    window: Window
    breaches: int
    windows: int
    fires: bool
    beyond: float


@dataclass(frozen=True)
class Judgement:
    """What a rule says of one slice: whether it fires, by which columns; `worst` is null where there is no data."""

    slice_value: str | None
    fires: bool
    worst: ColumnJudgement | None
    columns: tuple[str, ...]
    reason: str


def judge(
    rule: Rule, readings: Iterable[Reading], until: datetime.datetime, slice_value: str | None = None
) -> Judgement:
    """Apply the rule to the readings of one slice. `until` is the end of the logical day."""
    by_column: dict[str, list[Reading]] = {}
    for reading in readings:
        if reading.slice_value == slice_value and _looked_at(rule, reading, until):
            by_column.setdefault(reading.column, []).append(reading)
    judged = [found for name in sorted(by_column) if (found := _column(rule, by_column[name], until))]
    if not judged:
        return Judgement(slice_value, False, None, (), _no_data(rule, until))
    firing = tuple(found.column for found in judged if found.fires)
    fires = len(firing) >= rule.at_least_columns
    # Sorted by name before: of equals the first stays the first.
    worst = max(judged, key=lambda found: (found.fires, found.beyond))
    return Judgement(slice_value, fires, worst, firing, _reason(rule, worst, firing, fires))


def slice_values(rule: Rule, readings: Sequence[Reading]) -> list[str | None]:
    """The slices that a rule says something about: the whole table, or each value of its slicing expression."""
    if rule.slice is None:
        return [None]
    named = {reading.slice_value for reading in readings if reading.slice_value is not None}
    return [*sorted(named)] or [None]


def _looked_at(rule: Rule, reading: Reading, until: datetime.datetime) -> bool:
    named = rule.looked_at == (EVERY,) and reading.column != WHOLE
    if not named and reading.column not in rule.looked_at:
        return False
    # A window that is not over would be judged again tomorrow, with other rows.
    if reading.window.end > until or reading.value is None or math.isnan(reading.value):
        return False
    return not rule.minimum_rows or (reading.rows or 0) >= rule.minimum_rows


def _column(rule: Rule, readings: list[Reading], until: datetime.datetime) -> ColumnJudgement | None:
    last = sorted(readings, key=lambda reading: reading.window)[-rule.of :]
    latest = last[-1]
    if until - latest.window.end > datetime.timedelta(days=rule.fresh_days) or latest.value is None:
        return None
    breaches = sum(1 for reading in last if reading.value is not None and rule.beyond(reading.value) > 0)
    beyond = rule.beyond(latest.value)
    fires = beyond > 0 and breaches >= rule.breaches
    return ColumnJudgement(latest.column, latest.value, latest.window, breaches, len(last), fires, beyond)


def _reason(rule: Rule, worst: ColumnJudgement, firing: tuple[str, ...], fires: bool) -> str:
    column = "" if worst.column == WHOLE else f" of {worst.column}"
    latest = f"{rule.metric}{column} is {worst.value:.4g} in the {rule.granularity} from {worst.window.start:%Y-%m-%d}"
    if rule.granularity == "1 hour":
        latest += f" {worst.window.start:%H:%M}"
    beyond = "" if worst.beyond <= 0 else f", {rule.limits()}"
    share = f", {worst.breaches} of {worst.windows} windows" if rule.of > 1 else ""
    text = f"{latest}{beyond}{share}"
    if len(firing) > 1:
        text += f"; {len(firing)} columns: {', '.join(firing)}"
    if firing and not fires:
        text += f"; {len(firing)} of at least {rule.at_least_columns} columns"
    return text


def _no_data(rule: Rule, until: datetime.datetime) -> str:
    least = f" and at least {rule.minimum_rows} rows" if rule.minimum_rows else ""
    least += " and enough rows to tell it from chance" if rule.adjust else ""
    window = f"no window of {rule.granularity} with {rule.metric}{least}"
    return f"{window} ended in the {rule.fresh_days:g} days up to {until:%Y-%m-%d}"
