"""Moments as filters keep them: `now-30d/d` is thirty days ago, rounded down to the day."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_FORM = re.compile(r"now(?:([+-])(\d{1,6})([yMwdhm]))?(?:/([yMwdhm]))?")
_SPANS = {"w": timedelta(weeks=1), "d": timedelta(days=1), "h": timedelta(hours=1), "m": timedelta(minutes=1)}
_MONTHS = {"M": 1, "y": 12}


def resolved(text: str, now: datetime) -> str:
    """An absolute moment in ISO 8601, in UTC, for a relative one; any other text stays as it is."""
    found = _FORM.fullmatch(text.strip())
    if found is None:
        return text
    sign, count, unit, rounding = found.groups()
    moment = now.astimezone(UTC)
    try:
        if unit:
            moment = _moved(moment, int(count) if sign == "+" else -int(count), unit)
    except (ValueError, OverflowError):
        return text  # before the first year or after the last one
    return _rounded(moment, rounding).strftime("%Y-%m-%dT%H:%M:%S")


def _moved(moment: datetime, count: int, unit: str) -> datetime:
    if unit in _SPANS:
        return moment + count * _SPANS[unit]
    month = moment.year * 12 + moment.month - 1 + count * _MONTHS[unit]
    first = moment.replace(year=month // 12, month=month % 12 + 1, day=1)
    last_day = (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    return first.replace(day=min(moment.day, last_day.day))


def _rounded(moment: datetime, unit: str | None) -> datetime:
    if unit is None:
        return moment
    if unit == "w":
        moment, unit = moment - timedelta(days=moment.weekday()), "d"
    zeroes = {"month": 1, "day": 1, "hour": 0, "minute": 0, "second": 0, "microsecond": 0}
    names = list(zeroes)[list("yMdhm").index(unit) :]
    return moment.replace(**{name: zeroes[name] for name in names})  # type: ignore[arg-type] # each name is an int's
