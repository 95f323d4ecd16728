"""Time windows of a monitor: hours, days and weeks in UTC, aligned as by Spark's date_trunc.

A window begins at a full hour, at midnight, or at midnight of a Monday; its end is not part of it.
"""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ml_code.platform.errors import StepError

_LENGTHS = {
    "1 hour": datetime.timedelta(hours=1),
    "1 day": datetime.timedelta(days=1),
    "1 week": datetime.timedelta(weeks=1),
}
# 1970-01-01 was a Thursday; weeks are counted from the Monday after it.
_MONDAY = datetime.datetime(1970, 1, 5, tzinfo=datetime.UTC)


@dataclass(frozen=True, order=True)
class Window:
    """From start to end, the end not included."""

    start: datetime.datetime
    end: datetime.datetime

    def row(self) -> dict[str, datetime.datetime]:
        """As the struct of a metric table."""
        return {"start": self.start, "end": self.end}


@dataclass(frozen=True)
class Granularity:
    """Length of the windows: 1 hour, 1 day or 1 week."""

    name: str

    @property
    def length(self) -> datetime.timedelta:
        """From the start of a window to the start of the next."""
        return _LENGTHS[self.name]

    def window(self, moment: datetime.datetime) -> Window:
        """The window that a moment is in."""
        start = moment - (moment - _MONDAY) % self.length
        return Window(start, start + self.length)

    def before(self, window: Window) -> Window:
        """The window before this one."""
        return Window(window.start - self.length, window.start)

    def after(self, window: Window) -> Window:
        """The window after this one."""
        return Window(window.end, window.end + self.length)

    def split(self, timestamps: "pa.ChunkedArray | pa.Array") -> dict[Window, NDArray[np.int64]]:
        """Row numbers by window, earliest window first; rows without a timestamp are in none."""
        numbers = np.flatnonzero(np.asarray(pc.is_valid(timestamps)))
        if not len(numbers):
            return {}
        # Casting a timestamp with a zone gives its moment in UTC.
        seconds = np.asarray(pc.floor_temporal(timestamps.take(pa.array(numbers)), unit="second").cast(_SECONDS))
        length = int(self.length.total_seconds())
        index = (seconds.astype(np.int64) - int(_MONDAY.timestamp())) // length
        order = np.argsort(index, kind="stable")
        starts, firsts = np.unique(index[order], return_index=True)
        parts = np.split(numbers[order], firsts[1:])
        return {
            self.window(_MONDAY + int(start) * self.length): part for start, part in zip(starts, parts, strict=True)
        }


_SECONDS = pa.timestamp("s")


def granularities(names: Iterable[str]) -> tuple[Granularity, ...]:
    """Granularities by name, shortest first, each once. Raises StepError naming one that there is not."""
    given = {name.strip() for name in names if name.strip()}
    if unknown := sorted(given - set(_LENGTHS)):
        raise StepError(f"granularity {unknown[0]!r} is not supported; there are {', '.join(_LENGTHS)}")
    if not given:
        raise StepError(f"no granularity given; there are {', '.join(_LENGTHS)}")
    return tuple(Granularity(name) for name in _LENGTHS if name in given)


def day(date: datetime.date) -> Window:
    """A day as a window."""
    return Granularity("1 day").window(datetime.datetime.combine(date, datetime.time(), datetime.UTC))


def covering(windows: Sequence[Window]) -> Window:
    """From the first start to the last end."""
    return Window(min(window.start for window in windows), max(window.end for window in windows))


def literal(moment: datetime.datetime) -> str:
    """A moment in Spark SQL, the same whatever the time zone of the session is."""
    return f"timestamp'{as_utc(moment):%Y-%m-%d %H:%M:%S}Z'"


def as_utc(moment: datetime.datetime) -> datetime.datetime:
    """A moment as Spark gives it (without a zone it is UTC) with its zone."""
    return moment.replace(tzinfo=datetime.UTC) if moment.tzinfo is None else moment.astimezone(datetime.UTC)
