"""The monitor of an inference log: its profile and drift tables, brought up to date window by window.

A run reads what is new or changed and replaces those windows: the drift table in one commit, then the profile table in
one. What was done is read from the profile table, which is written last; a run that was killed before that commit is
done again, and replaces what it had written. Windows that have not changed are not read. Two things are not noticed
and need that day's run again: rows of an earlier day replaced by as many others, and slices that were added since.
"""

import datetime
import random
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_code.platform.errors import StepError
from ml_code.platform.monitoring import commits
from ml_code.platform.monitoring.conditions import drift_condition, profile_condition
from ml_code.platform.monitoring.groups import groups_of_baseline, groups_of_window
from ml_code.platform.monitoring.metric_rows import Part, Row, drift_rows, profile_rows
from ml_code.platform.monitoring.metric_tables import DRIFT_COMMENT, PROFILE_COMMENT, drift_metrics, profile_metrics
from ml_code.platform.monitoring.monitored_log import MonitoredLog, checked, read, read_baseline
from ml_code.platform.monitoring.plan import Extent, Place, Work, plan, to_read
from ml_code.platform.monitoring.slices import Slicing
from ml_code.platform.monitoring.state import Present, known, present, stored_columns
from ml_code.platform.monitoring.windows import Granularity, Window
from ml_code.platform.monitoring.windows import day as day_window

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ATTEMPTS = 8

_WEEK = Granularity("1 week")


@dataclass(frozen=True)
class Monitored:
    """What a run did: windows written (of some only what depends on labels) and rows of either table.

    `later` rows are after the run's day, `undated` have no timestamp; neither went into any window.
    """

    windows: dict[str, int]
    profile_rows: int
    drift_rows: int
    later: int
    undated: int
    against_baseline: bool


def monitor(spark: "SparkSession", log: MonitoredLog, date: datetime.date, say: Callable[[str], None]) -> Monitored:
    """Bring both tables up to date for a logical day. Raises StepError when other runs do not leave them alone."""
    slices = checked(spark, log)
    commits.create(spark, log.drift_table, drift_metrics(log.model), DRIFT_COMMENT)
    commits.create(spark, log.profile_table, profile_metrics(log.model), PROFILE_COMMENT)
    refused = ""
    for attempt in range(ATTEMPTS):
        try:
            return _once(spark, log, slices, day_window(date), say)
        except commits.ConflictError as conflict:
            refused = str(conflict)
            say(f"{refused}: once more")
            time.sleep(random.uniform(0, 0.2 * 2**attempt))  # noqa: S311  # to keep two runs apart, no secret
    raise StepError(
        f"the metric tables of {log.table} could not be written in {ATTEMPTS} attempts; the last time {refused}. "
        "Let one monitor run at a time and start this one again"
    )


def _once(
    spark: "SparkSession", log: MonitoredLog, slices: Slicing, day: Window, say: Callable[[str], None]
) -> Monitored:
    since = _WEEK.window(day.start - log.lookback).start
    before = known(spark, log, since)
    # Rows that went into windows stay in them, also when an earlier day is run again.
    until = max(day.end, day_window(before.latest.date()).end) if before.latest else day.end
    now = present(spark, log, since, until, day)
    _say_left_out(now, log, day, say)
    works = plan(now.windows, before.windows, day if now.of_day else None, labels_apart=_labels_apart(log))
    if not works:
        return Monitored({}, 0, 0, now.later, now.undated, against_baseline=False)

    baseline = _baseline(spark, log, say)
    parts = _parts(spark, log, slices, to_read(works, now.windows), until)
    profile, drift = _rows(log, works, parts, baseline)
    label = log.with_label
    # The profile table is what tells that a window is done: it is last.
    commits.replace(spark, log.drift_table, drift_metrics(log.model), drift, drift_condition(works, label))
    condition = profile_condition(works, label, baseline=baseline is not None)
    commits.replace(spark, log.profile_table, profile_metrics(log.model), profile, condition)
    return Monitored(
        _written(works), len(profile), len(drift), now.later, now.undated, against_baseline=baseline is not None
    )


def _say_left_out(now: Present, log: MonitoredLog, day: Window, say: Callable[[str], None]) -> None:
    if now.later:
        say(f"{now.later} rows of {log.table} are later than the day of this run: left for later windows")
    if now.undated:
        say(f"{now.undated} rows of {log.table} have no {log.timestamp}: they are in no window")
    if not now.of_day:
        say(f"no rows on {day.start:%Y-%m-%d}: no window of that day is written")


def _labels_apart(log: MonitoredLog) -> bool:
    """Whether a label changes nothing but the columns that come with it: no slice is made by it."""
    words = {word for text in log.slices for word in re.findall(r"\w+", text)}
    return not words & set(log.with_label)


def _baseline(spark: "SparkSession", log: MonitoredLog, say: Callable[[str], None]) -> Part | None:
    if log.baseline is None:
        return None
    rows = read_baseline(spark, log)
    if rows is None:
        say(
            f"WARNING: there is no baseline {log.baseline}, or it has no rows: consecutive drift goes on, "
            "baseline drift is left out until it is there again (promoting a version writes it)"
        )
        return None
    return Part(log, {(None, slice_): group for slice_, group in groups_of_baseline(rows).items()})


def _parts(
    spark: "SparkSession",
    log: MonitoredLog,
    slices: Slicing,
    needed: Mapping[Place, Extent],
    until: datetime.datetime,
) -> dict[Place, Part]:
    """The rows of windows in groups, in at most two reads: of all columns, and of those that labels change."""
    parts: dict[Place, Part] = {}
    for extent, columns in ((Extent.WHOLE, None), (Extent.LABEL, log.for_quality)):
        places = [place for place, how_much in needed.items() if how_much is extent]
        if not places:
            continue
        rows = read(spark, log, slices, [Window(window.start, min(window.end, until)) for _, window in places], columns)
        stored = stored_columns(spark, log, places) if columns else {}
        for granularity in {granularity for granularity, _ in places}:
            numbers = granularity.split(rows.table.column(log.timestamp))
            for place in places:
                if place[0] == granularity and place[1] in numbers:
                    groups = groups_of_window(rows, numbers[place[1]])
                    known_columns = stored.get(place, {}) if columns else None
                    parts[place] = Part(log, groups, place[1], granularity, known_columns)
    return parts


def _rows(
    log: MonitoredLog, works: Mapping[Place, Work], parts: Mapping[Place, Part], baseline: Part | None
) -> tuple[list[Row], list[Row]]:
    """Rows of the profile and of the drift table."""
    profile: list[Row] = []
    drift: list[Row] = []
    if baseline is not None:
        profile += profile_rows(baseline, baseline.columns)
    for (granularity, window), work in works.items():
        part = parts.get((granularity, window))
        if part is None:
            continue
        columns = {Extent.NOTHING: (), Extent.LABEL: log.with_label, Extent.WHOLE: part.columns}
        if work.profile:
            profile += profile_rows(part, columns[work.profile])
            if baseline is not None:
                drift += drift_rows(part, baseline, "BASELINE", columns[work.profile])
        earlier = parts.get((granularity, granularity.before(window)))
        if work.consecutive and earlier is not None:
            drift += drift_rows(part, earlier, "CONSECUTIVE", columns[work.consecutive])
    return profile, drift


def _written(works: Mapping[Place, Work]) -> dict[str, int]:
    written: dict[str, int] = {}
    for (granularity, _), work in works.items():
        if work.profile:
            written[granularity.name] = written.get(granularity.name, 0) + 1
    return written
