"""Quartz expressions against known moments, and against croniter where both know the same language."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from croniter import croniter
from hypothesis import given
from hypothesis import strategies as st

from infra.workspace.jobs.cron import CronError, parse


def next_of(expression: str, after: str, zone: str = "UTC") -> str | None:
    moment = datetime.fromisoformat(after).replace(tzinfo=ZoneInfo(zone))
    found = parse(expression).next_after(moment, ZoneInfo(zone))
    return None if found is None else found.strftime("%Y-%m-%d %H:%M:%S")


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        ("0 0 11 * * ?", "2024-01-01 10:59:59", "2024-01-01 11:00:00"),
        ("0 0 11 * * ?", "2024-01-01 11:00:00", "2024-01-02 11:00:00"),
        ("30 */15 * * * ?", "2024-01-01 10:15:30", "2024-01-01 10:30:30"),
        ("0 0 6 ? * MON-FRI", "2024-01-05 07:00:00", "2024-01-08 06:00:00"),
        ("0 0 6 ? * 2", "2024-01-02 00:00:00", "2024-01-08 06:00:00"),  # 2 is Monday
        ("0 0 0 L * ?", "2024-02-01 00:00:00", "2024-02-29 00:00:00"),
        ("0 0 0 LW * ?", "2024-03-01 00:00:00", "2024-03-29 00:00:00"),  # the 31st is a Sunday
        ("0 0 0 1W * ?", "2024-05-31 00:00:00", "2024-06-03 00:00:00"),  # the 1st is a Saturday
        ("0 0 0 ? * 6L", "2024-01-01 00:00:00", "2024-01-26 00:00:00"),
        ("0 0 0 ? * MON#2", "2024-01-01 00:00:00", "2024-01-08 00:00:00"),
        ("0 0 0 29 2 ? 2025-2029", "2024-03-01 00:00:00", "2028-02-29 00:00:00"),
        ("0 0 0 1 1 ? 2023", "2024-01-01 00:00:00", None),
        ("0 0 22-2 * * ?", "2024-01-01 02:30:00", "2024-01-01 22:00:00"),
    ],
)
def test_the_next_moment(expression: str, after: str, expected: str | None) -> None:
    assert next_of(expression, after) == expected


def test_zones_and_their_changes() -> None:
    assert next_of("0 30 2 * * ?", "2024-03-30 12:00:00", "Europe/Berlin") == "2024-03-31 01:30:00"  # jumped over
    assert next_of("0 0 11 * * ?", "2024-07-01 00:00:00", "Europe/Berlin") == "2024-07-01 09:00:00"


def test_a_moment_that_comes_twice_fires_once() -> None:
    zone = ZoneInfo("Europe/Berlin")
    first = parse("0 30 2 * * ?").next_after(datetime(2024, 10, 26, 12, tzinfo=zone), zone)
    assert first is not None
    second = parse("0 30 2 * * ?").next_after(first, zone)
    assert second is not None
    assert (second - first).total_seconds() > 24 * 3600


@pytest.mark.parametrize(
    "expression",
    ["* * * * *", "0 0 11 * * *", "0 0 11 ? * ?", "61 0 0 * * ?", "0 0 24 * * ?", "0 0 0 32 * ?", "0 0 0 ? * 8", "x"],
)
def test_what_quartz_would_not_take(expression: str) -> None:
    with pytest.raises(CronError):
        parse(expression)


field_of_60 = st.one_of(
    st.just("*"), st.integers(0, 59).map(str), st.integers(1, 30).map(lambda n: f"*/{n}"), st.just("5-20")
)


@given(
    minute=field_of_60,
    hour=st.one_of(st.just("*"), st.integers(0, 23).map(str)),
    day=st.one_of(st.just("*"), st.integers(1, 28).map(str)),
    month=st.one_of(st.just("*"), st.integers(1, 12).map(str)),
    after=st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)),
)
def test_agrees_with_croniter(minute: str, hour: str, day: str, month: str, after: datetime) -> None:
    moment = after.replace(microsecond=0, tzinfo=UTC)
    theirs = croniter(f"{minute} {hour} {day} {month} *", moment).get_next(datetime)
    assert parse(f"0 {minute} {hour} {day} {month} ?").next_after(moment, ZoneInfo("UTC")) == theirs
