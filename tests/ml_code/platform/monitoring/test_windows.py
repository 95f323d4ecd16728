"""Windows: where they begin and end, and that every row with a time is in exactly one."""

from __future__ import annotations

import datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_code.platform.errors import StepError
from ml_code.platform.monitoring.windows import Granularity, Window, as_utc, day, granularities, literal

NAMES = ("1 hour", "1 day", "1 week")
moments = st.datetimes(datetime.datetime(1960, 1, 1), datetime.datetime(2100, 1, 1), timezones=st.just(datetime.UTC))


def utc(*parts: int) -> datetime.datetime:
    return datetime.datetime(*parts, tzinfo=datetime.UTC)  # type: ignore[misc,arg-type]  # year to minute


@pytest.mark.parametrize(
    ("name", "start", "end"),
    [
        ("1 hour", utc(2026, 1, 7, 13), utc(2026, 1, 7, 14)),
        ("1 day", utc(2026, 1, 7), utc(2026, 1, 8)),
        ("1 week", utc(2026, 1, 5), utc(2026, 1, 12)),  # a Monday
    ],
)
def test_where_windows_begin(name: str, start: datetime.datetime, end: datetime.datetime) -> None:
    granularity = Granularity(name)
    window = Window(start, end)
    assert granularity.window(utc(2026, 1, 7, 13, 5)) == window
    assert granularity.window(start) == window
    assert granularity.window(end) == granularity.after(window)
    assert granularity.before(granularity.after(window)) == window
    assert day(datetime.date(2026, 1, 7)) == Window(utc(2026, 1, 7), utc(2026, 1, 8))


@settings(deadline=None)
@given(st.sampled_from(NAMES), st.lists(st.none() | moments, max_size=20))
def test_every_dated_row_is_in_one_window(name: str, times: list[datetime.datetime | None]) -> None:
    granularity = Granularity(name)
    found = granularity.split(pa.chunked_array([pa.array(times, pa.timestamp("us", "UTC"))]))
    assert list(found) == sorted(found)
    rows = np.concatenate(list(found.values())) if found else np.zeros(0)
    assert sorted(rows.tolist()) == [number for number, time in enumerate(times) if time is not None]
    for window, numbers in found.items():
        assert all(window.start <= times[number] < window.end for number in numbers)


def test_time_zones_are_the_same_moment() -> None:
    auckland = datetime.timezone(datetime.timedelta(hours=13))
    early = datetime.datetime(2026, 1, 8, 1, tzinfo=auckland)
    found = Granularity("1 day").split(pa.array([early], pa.timestamp("us", "Pacific/Auckland")))
    assert list(found) == [day(datetime.date(2026, 1, 7))]
    assert as_utc(early) == as_utc(datetime.datetime(2026, 1, 7, 12)) == utc(2026, 1, 7, 12)
    assert literal(early) == "timestamp'2026-01-07 12:00:00Z'"


def test_granularities_by_name() -> None:
    assert [granularity.name for granularity in granularities(["1 week", " 1 hour", "1 week"])] == ["1 hour", "1 week"]
    with pytest.raises(StepError, match="'1 month' is not supported; there are 1 hour, 1 day, 1 week"):
        granularities(["1 day", "1 month"])
    with pytest.raises(StepError, match="no granularity"):
        granularities([""])
