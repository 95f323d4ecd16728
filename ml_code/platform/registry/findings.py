"""What the promotion rule found, condition by condition."""

import math
from dataclasses import dataclass
from typing import Literal

Outcome = Literal["met", "missed", "not judged"]


@dataclass(frozen=True)
class Finding:
    """One condition: what was measured, the limit that it is held against, and the same in words.

    `not judged` (too few rows, not defined on these rows) never refuses a version.
    """

    name: str
    outcome: Outcome
    value: float | None
    limit: float | None
    words: str


def at_most(name: str, value: float, limit: float, what: str) -> Finding:
    """Met while the value does not exceed the limit; an undefined value is not judged."""
    return _finding(name, value, limit, what, value <= limit, "at most")


def at_least(name: str, value: float, limit: float, what: str) -> Finding:
    """Met from the limit on; an undefined value is not judged."""
    return _finding(name, value, limit, what, value >= limit, "at least")


def not_judged(name: str, limit: float, why: str) -> Finding:
    """A condition that these rows cannot answer."""
    return Finding(name, "not judged", None, limit, why)


def _finding(name: str, value: float, limit: float, what: str, met: bool, bound: str) -> Finding:
    if not math.isfinite(value):
        return not_judged(name, limit, f"{what} is not defined on these rows")
    said = f"{what} is {value:.4g}, {bound} {limit:g} is asked for"
    return Finding(name, "met" if met else "missed", value, limit, said)
