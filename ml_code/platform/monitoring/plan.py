"""Which windows a run of the monitor has to compute: what the log has now against what the profile table knows.

Nothing else is kept about what was done, so a run that was killed, or that was left out, is made up for by the next.
"""

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ml_code.platform.monitoring.windows import Granularity, Window

Place = tuple[Granularity, Window]


class Extent(enum.IntEnum):
    """How much of a window is to be computed."""

    NOTHING = 0
    LABEL = 1
    WHOLE = 2


@dataclass(frozen=True)
class Counts:
    """What tells whether a window has changed: its rows, how many have a label, and how often labels were corrected."""

    rows: int
    labels: int = 0
    corrections: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.rows + other.rows, self.labels + other.labels, self.corrections + other.corrections)


Seen = Mapping[Granularity, Mapping[Window, Counts]]


@dataclass
class Work:
    """What of a window is to be written: its profile (with the drift against the baseline), its consecutive drift."""

    profile: Extent = Extent.NOTHING
    consecutive: Extent = Extent.NOTHING

    def add(self, *, profile: Extent = Extent.NOTHING, consecutive: Extent = Extent.NOTHING) -> None:
        """Do at least this."""
        self.profile = max(self.profile, profile)
        self.consecutive = max(self.consecutive, consecutive)


def plan(now: Seen, known: Seen, day: Window | None, *, labels_apart: bool) -> dict[Place, Work]:
    """Work by window, in order; a window that lost all of its rows is in it too.

    The windows that the run's day is in (None: it has no rows) are computed whatever is known of them. Where the number
    of rows is the same and only labels came or changed, only what depends on labels is computed, unless slices depend
    on them (not `labels_apart`).
    """
    works: dict[Place, Work] = {}
    for granularity, there in now.items():
        before = known.get(granularity, {})
        for window in {**before, **there}:
            again = window in there and day is not None and window.start < day.end and day.start < window.end
            extent = Extent.WHOLE if again else _extent(there.get(window), before.get(window))
            if extent is Extent.NOTHING:
                continue
            if not labels_apart:
                extent = Extent.WHOLE
            works.setdefault((granularity, window), Work()).add(profile=extent, consecutive=extent)
            following = granularity.after(window)
            if following in there:
                works.setdefault((granularity, following), Work()).add(consecutive=extent)
    return dict(sorted(works.items(), key=lambda item: (item[0][1].start, item[0][1].end)))


def to_read(works: Mapping[Place, Work], now: Seen) -> dict[Place, Extent]:
    """Windows whose rows are needed, those before a window included, and whether all of their columns are."""
    needed: dict[Place, Extent] = {}

    def add(place: Place, extent: Extent) -> None:
        if extent and place[1] in now[place[0]]:
            needed[place] = max(extent, needed.get(place, Extent.NOTHING))

    for (granularity, window), work in works.items():
        add((granularity, window), max(work.profile, work.consecutive))
        add((granularity, granularity.before(window)), work.consecutive)
    return needed


def by_granularity(buckets: Iterable[tuple[Window, Counts]], granularities: Iterable[Granularity]) -> Seen:
    """Counts of hours or days added up to the windows that they are in."""
    found: dict[Granularity, dict[Window, Counts]] = {granularity: {} for granularity in granularities}
    for bucket, counts in buckets:
        for granularity, windows in found.items():
            window = granularity.window(bucket.start)
            windows[window] = windows.get(window, Counts(0)) + counts
    return found


def _extent(now: Counts | None, known: Counts | None) -> Extent:
    if now is None or known is None or now.rows != known.rows:
        return Extent.WHOLE
    return Extent.NOTHING if now == known else Extent.LABEL
