"""Rows of `inference_log_model_metrics` that come of events: attributions, and online features against offline ones.

Both are counted by the engine in hours or days, by model version, and added up to windows here.
"""

import datetime
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from ml_code.platform import tables
from ml_code.platform.monitoring.attribution_drift import Sums, ranking_drift, read_sums, shares, shift
from ml_code.platform.monitoring.measured_rows import Measures, Row, exactly, place_of, rows_of
from ml_code.platform.monitoring.metric_tables import ALL_MODELS, TABLE
from ml_code.platform.monitoring.monitored_log import MonitoredLog
from ml_code.platform.monitoring.plan import Place
from ml_code.platform.monitoring.skew import SkewCounts, read_counts
from ml_code.platform.monitoring.windows import Granularity, Window, covering

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_DAY, _HOUR = Granularity("1 day"), Granularity("1 hour")
Summed = TypeVar("Summed", Sums, SkewCounts)


@dataclass(frozen=True)
class Attributions:
    """The table of contributions, and the attributions that a version had when it was validated (None: not known)."""

    table: str
    baseline_of: Callable[[str], Mapping[str, float] | None]


@dataclass(frozen=True)
class Offline:
    """The feature table that online features are compared with: its rows (kept as the log keeps them) and their key."""

    rows: "DataFrame"
    key: str
    features: Sequence[str]


def attribution_rows(
    spark: "SparkSession", attributions: Attributions, places: Sequence[Place], until: datetime.datetime
) -> list[Row]:
    """Share of each feature, and how far they are from the baseline's, by model."""
    if not places or not tables.exists(spark, attributions.table):
        return []
    sums = read_sums(spark, attributions.table, _span(places, until), _bucket(places))
    found: list[Row] = []
    for (granularity, window), model, added in _added_up(sums, places, Sums):
        baseline = attributions.baseline_of(_latest(sums) if model == ALL_MODELS else model)
        found += rows_of(place_of(granularity, window, model), *_attributed(added, baseline))
    return found


def skew_rows(
    spark: "SparkSession", log: MonitoredLog, offline: Offline, places: Sequence[Place], until: datetime.datetime
) -> list[Row]:
    """Share of online predictions without an offline row, and of those that differ from theirs, by model."""
    if not places:
        return []
    span, bucket = _span(places, until), _bucket(places)
    counts = read_counts(spark, log.table, offline.rows, offline.key, offline.features, span, bucket)
    return [
        row
        for (granularity, window), model, counted in _added_up(counts, places, SkewCounts)
        for row in rows_of(place_of(granularity, window, model), _skewed(counted), {})
    ]


def _span(places: Sequence[Place], until: datetime.datetime) -> Window:
    span = covering([window for _, window in places])
    return Window(span.start, min(span.end, until))


def _bucket(places: Sequence[Place]) -> Granularity:
    return _HOUR if any(granularity == _HOUR for granularity, _ in places) else _DAY


def _latest(sums: Mapping[tuple[Window, str], Sums]) -> str:
    """The version of the last bucket; of several the highest."""
    return max(sums, key=lambda key: (key[0].start, len(key[1]), key[1]))[1]


def _added_up(
    buckets: Mapping[tuple[Window, str], Summed], places: Sequence[Place], empty: Callable[[], Summed]
) -> Iterator[tuple[Place, str, Summed]]:
    """Buckets added up to each window, for each model in it and for all of them."""
    for granularity, window in places:
        totals: dict[str, Summed] = {}
        for (bucket, model), counts in buckets.items():
            if window.start <= bucket.start < window.end:
                for name in (ALL_MODELS, model):
                    totals.setdefault(name, empty()).add(counts)
        yield from (((granularity, window), name, total) for name, total in totals.items())


def _attributed(sums: Sums, baseline: Mapping[str, float] | None) -> tuple[Measures, Measures]:
    """The measures, and those of the baseline."""
    found = {("attribution_share", name): exactly(share, sums.rows) for name, share in sums.shares().items()}
    if baseline is None:
        return found, {}
    before = {("attribution_share", name): exactly(share, 0) for name, share in shares(baseline).items()}
    drifts = {
        "attribution_drift": ranking_drift(baseline, sums.by_feature),
        "attribution_shift": shift(baseline, sums.by_feature),
    }
    found |= {(name, TABLE): exactly(value, sums.rows) for name, value in drifts.items() if value is not None}
    return found, before


def _skewed(counts: SkewCounts) -> Measures:
    found = {("skew_missing", TABLE): exactly(1 - counts.found / counts.rows, counts.rows)}
    if counts.found:
        differing = {TABLE: counts.differing, **counts.by_feature}
        found |= {("skew", name): exactly(number / counts.found, counts.found) for name, number in differing.items()}
    return found
