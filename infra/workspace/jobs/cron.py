"""Quartz cron expressions: seconds first, `?`, `L`, `W`, `#`, an optional year; weekdays count from 1 = Sunday.

The next moment is searched field by field in the schedule's own time zone. A moment that the clocks jump over fires as
much later as they jump; one that they pass twice fires once, the first time.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

_MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
_DAYS = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), start=1)}
_LAST_YEAR = 2199


class CronError(ValueError):
    """An expression that Quartz would not take; the message says which field and why."""


@dataclass(frozen=True)
class Quartz:
    """A parsed expression. `day_of_month` and `day_of_week` stay text where they depend on the month."""

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    months: tuple[int, ...]
    years: frozenset[int] | None
    day_of_month: str
    day_of_week: str

    def next_after(self, moment: datetime, zone: ZoneInfo) -> datetime | None:
        """The first moment after `moment` (aware) at which the schedule fires, in UTC; None if there is none."""
        local = moment.astimezone(zone)
        day = local.date()
        while day.year <= _LAST_YEAR:
            if self.years is not None and day.year not in self.years:
                later = [year for year in self.years if year > day.year]
                if not later:
                    return None
                day = date(min(later), 1, 1)
                continue
            if day.month not in self.months:
                day = _first_of_next_month(day)
                continue
            if self._fires_on(day):
                found = self._first_time(day, moment, zone)
                if found is not None:
                    return found
            day += timedelta(days=1)
        return None

    def _first_time(self, day: date, after: datetime, zone: ZoneInfo) -> datetime | None:
        for hour in self.hours:
            end_of_hour = _instant(day, hour, 59, 59, zone)
            if end_of_hour <= after:
                continue
            for minute in self.minutes:
                for second in self.seconds:
                    instant = _instant(day, hour, minute, second, zone)
                    if instant > after:
                        return instant
        return None

    def _fires_on(self, day: date) -> bool:
        if self.day_of_week != "?":
            return _matches_weekday(self.day_of_week, day)
        return _matches_month_day(self.day_of_month, day)


def parse(expression: str) -> Quartz:
    """Reads an expression of six or seven fields; raises CronError."""
    fields = expression.upper().split()
    if len(fields) not in (6, 7):
        raise CronError(f"{expression!r} has {len(fields)} fields; Quartz wants 6 (seconds first) or 7")
    seconds, minutes, hours, month_day, month, week_day = fields[:6]
    if (month_day == "?") == (week_day == "?"):
        raise CronError(f"{expression!r}: exactly one of day-of-month and day-of-week must be '?'")
    years = None if len(fields) == 6 or fields[6] == "*" else frozenset(_numbers("year", fields[6], 1970, _LAST_YEAR))
    quartz = Quartz(
        _numbers("seconds", seconds, 0, 59),
        _numbers("minutes", minutes, 0, 59),
        _numbers("hours", hours, 0, 23),
        _numbers("month", month, 1, 12, _MONTHS),
        years,
        month_day,
        week_day,
    )
    for sample in (date(2024, 1, 31), date(2024, 2, 29)):  # reads the day fields once, so that a bad one shows now
        quartz._fires_on(sample)
    return quartz


def _numbers(field: str, text: str, low: int, high: int, names: dict[str, int] | None = None) -> tuple[int, ...]:
    found: set[int] = set()
    for part in text.split(","):
        span, _, step_text = part.partition("/")
        step = _number(field, step_text, 1, high, {}) if step_text else 1
        if span in ("*", ""):
            first, last = low, high
        elif "-" in span:
            first, last = (_number(field, end, low, high, names or {}) for end in span.split("-", 1))
        else:
            first = _number(field, span, low, high, names or {})
            last = high if step_text else first
        values = range(first, last + 1) if first <= last else [*range(first, high + 1), *range(low, last + 1)]
        found.update(list(values)[::step])
    return tuple(sorted(found))


def _number(field: str, text: str, low: int, high: int, names: dict[str, int]) -> int:
    if text in names:
        return names[text]
    if not text.isdigit() or not low <= int(text) <= high:
        raise CronError(f"{field}: {text!r} is not between {low} and {high}")
    return int(text)


def _matches_month_day(text: str, day: date) -> bool:
    length = calendar.monthrange(day.year, day.month)[1]
    for part in text.split(","):
        last = re.fullmatch(r"L(?:-(\d{1,2}))?(W)?", part)
        near = re.fullmatch(r"(\d{1,2})W", part)
        if last:
            wanted = length - int(last[1] or 0)
            if wanted >= 1 and day.day == (_nearest_workday(day, wanted, length) if last[2] else wanted):
                return True
        elif near:
            if int(near[1]) <= length and day.day == _nearest_workday(day, int(near[1]), length):
                return True
        elif day.day in _numbers("day-of-month", part, 1, 31):
            return True
    return False


def _matches_weekday(text: str, day: date) -> bool:
    length = calendar.monthrange(day.year, day.month)[1]
    weekday = day.isoweekday() % 7 + 1
    for part in text.split(","):
        special = re.fullmatch(r"([A-Z]{3}|\d)(L|#([1-5]))", part)
        if part == "L":
            matched = weekday == 7
        elif special:
            wanted = _number("day-of-week", special[1], 1, 7, _DAYS)
            in_place = day.day + 7 > length if special[2] == "L" else (day.day - 1) // 7 + 1 == int(special[3])
            matched = weekday == wanted and in_place
        else:
            matched = weekday in _numbers("day-of-week", part, 1, 7, _DAYS)
        if matched:
            return True
    return False


def _nearest_workday(day: date, wanted: int, length: int) -> int:
    """The Monday to Friday nearest to a day of the month, never in another month."""
    weekday = day.replace(day=wanted).isoweekday()
    if weekday == 6:
        return wanted - 1 if wanted > 1 else wanted + 2
    if weekday == 7:
        return wanted + 1 if wanted < length else wanted - 2
    return wanted


def _instant(day: date, hour: int, minute: int, second: int, zone: ZoneInfo) -> datetime:
    local = datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=zone)
    return local.astimezone(UTC)


def _first_of_next_month(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)
