"""Rows of the profile and drift tables for one window or baseline.

Drift as a Databricks quality monitor has it: numbers get the Kolmogorov-Smirnov test, the Wasserstein distance and the
population stability index; texts and booleans the chi-squared test and the Jensen-Shannon, total variation and
L-infinity distances; times, and columns that are not to be compared, only how their counts changed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ml_code.platform.monitoring.drift.compare import compare
from ml_code.platform.monitoring.groups import Group, Key, Profiled
from ml_code.platform.monitoring.metric_tables import TABLE
from ml_code.platform.monitoring.monitored_log import MonitoredLog
from ml_code.platform.monitoring.windows import Granularity, Window

DriftType = Literal["CONSECUTIVE", "BASELINE"]
Row = dict[str, Any]

_DELTAS = ("count", "avg", "percent_null", "percent_zeros", "percent_distinct")


@dataclass(frozen=True)
class Part:
    """The groups of one window, or of the baseline (which has neither window nor granularity).

    Where only columns of the label were read, `stored` has the columns with values that the profile table knows.
    """

    log: MonitoredLog
    groups: Mapping[Key, Group]
    window: Window | None = None
    granularity: Granularity | None = None
    stored: Mapping[Key, Sequence[str]] | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that were read."""
        return tuple(next(iter(self.groups.values())).rows.types)

    def non_null(self, key: Key) -> list[str]:
        """Columns with at least one value in a group."""
        group = self.groups[key]
        if self.stored is None:
            return group.non_null
        label = self.log.with_label
        return [*(name for name in self.stored.get(key, ()) if name not in label), *filter(group.has_values, label)]

    def place(self, key: Key) -> Row:
        """The columns that say what a row is about."""
        model, slice_ = key
        return {
            "window": self.window.row() if self.window else None,
            "granularity": self.granularity.name if self.granularity else None,
            self.log.model: model,
            "slice_key": slice_.key,
            "slice_value": slice_.value,
        }


def profile_rows(part: Part, columns: Sequence[str]) -> Iterator[Row]:
    """A row for whole rows, with the quality of the model, and one for each column, of each group."""
    log_type = "INPUT" if part.window else "BASELINE"
    for key, group in part.groups.items():
        place = part.place(key) | {"log_type": log_type}
        whole = {"column_name": TABLE, "count": len(group.numbers), "non_null_columns": part.non_null(key)}
        yield place | whole | group.quality
        for name in columns:
            row = place | {"column_name": name} | group.column(name).profile
            if name in group.rows.log.uncompared:
                # Values of an identifier would name members for as long as the table is kept.
                row.pop("frequent_items", None)
            yield row


def drift_rows(part: Part, against: Part, drift_type: DriftType, columns: Sequence[str]) -> Iterator[Row]:
    """The same against another window or the baseline; a group that is not there has no rows."""
    done: dict[tuple[Group, Group], list[Row]] = {}
    for key, group in part.groups.items():
        other_key: Key = key if against.window else (None, key[1])
        other = against.groups.get(other_key)
        if other is None:
            continue
        place = part.place(key) | {"drift_type": drift_type}
        place["window_cmp"] = against.window.row() if against.window else None
        yield place | {
            "column_name": TABLE,
            "count_delta": len(group.numbers) - len(other.numbers),
            "non_null_columns_delta": _columns_delta(part.non_null(key), against.non_null(other_key)),
        }
        if (group, other) not in done:
            shared = [name for name in columns if name in other.rows.types]
            done[group, other] = [_column_drift(name, group, other) for name in shared]
        yield from (place | row for row in done[group, other])


def _column_drift(name: str, group: Group, other: Group) -> Row:
    column, before = group.column(name), other.column(name)
    row: Row = {"column_name": name, "data_type": group.rows.types[name]}
    row |= {f"{what}_delta": _delta(column.profile.get(what), before.profile.get(what)) for what in _DELTAS}
    return row if name in group.rows.log.uncompared else row | _distances(column, before)


def _distances(column: Profiled, before: Profiled) -> Row:
    kind = column.prepared.kind
    if kind == "numeric":
        # A run compares thousands of small groups.
        values = compare(column.prepared, before.prepared, exact=False)
        return {
            "ks_test": _test(values.ks_test),
            "wasserstein_distance": values.wasserstein_distance,
            "population_stability_index": values.population_stability_index,
        }
    if kind in ("categorical", "boolean"):
        values = compare(column.prepared, before.prepared)
        return {
            "chi_squared_test": _test(values.chi_squared_test),
            "js_distance": values.js_distance,
            "tv_distance": values.tv_distance,
            "l_infinity_distance": values.l_infinity_distance,
        }
    return {}


def _test(found: Any) -> Row | None:
    return None if found is None else {"statistic": found.statistic, "pvalue": found.pvalue}


def _delta(value: float | None, before: float | None) -> float | None:
    return None if value is None or before is None else value - before


def _columns_delta(names: Sequence[str], before: Sequence[str]) -> dict[str, int]:
    return {"added": len(set(names) - set(before)), "missing": len(set(before) - set(names))}
