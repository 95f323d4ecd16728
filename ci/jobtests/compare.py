"""Results against those that were accepted earlier."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ci.jobtests.spec import JobTest

Value = str | int | float | bool | None
Values = Mapping[str, Value]
"""By `<result>.<column or metric>`."""


@dataclass(frozen=True)
class Comparison:
    """One value beside its baseline."""

    name: str
    before: Value
    now: Value
    allowed: float
    """The greatest difference that passes; 0 for what is not a number."""
    known: bool
    """Whether the baseline has it."""
    there: bool
    """Whether the run had it."""

    @property
    def passed(self) -> bool:
        """Both there, and equal or near enough. Two NaN are equal."""
        if not (self.known and self.there):
            return False
        before, now = self.before, self.now
        if _is_number(before) and _is_number(now):
            assert isinstance(before, (int, float)) and isinstance(now, (int, float))  # noqa: S101, PT018 - just asked
            if math.isnan(before) or math.isnan(now):
                return math.isnan(before) and math.isnan(now)
            return before == now or abs(now - before) <= self.allowed
        return type(before) is type(now) and before == now

    def in_words(self) -> str:
        """`births.rows: 1832 → 1830 (0 allowed)`."""
        if not self.known:
            return f"{self.name}: new, {_shown(self.now)}"
        if not self.there:
            return f"{self.name}: {_shown(self.before)} → gone"
        if self.before == self.now:
            return f"{self.name}: {_shown(self.now)}"
        allowed = f" ({self.allowed:.6g} allowed)" if _is_number(self.before) else ""
        return f"{self.name}: {_shown(self.before)} → {_shown(self.now)}{allowed}"


def compare(test: JobTest, before: Values, now: Values) -> list[Comparison]:
    """Every value that either has, by name."""
    return [
        Comparison(
            name=name,
            before=before.get(name),
            now=now.get(name),
            allowed=_allowed(test, name, before.get(name)),
            known=name in before,
            there=name in now,
        )
        for name in sorted({*before, *now})
    ]


def _allowed(test: JobTest, name: str, before: Value) -> float:
    result = test.results.get(name.partition(".")[0])
    if result is None or not _is_number(before):
        return 0.0
    assert isinstance(before, (int, float))  # noqa: S101 - just asked
    return max(result.absolute, result.relative * abs(before))


def _is_number(value: Value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _shown(value: Value) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
