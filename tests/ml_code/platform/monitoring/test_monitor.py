"""The monitor on a real engine: what it writes, that increments end in the same tables, and what faults leave behind.

`Log.from_scratch` is the oracle of most tests: a monitor that never ran before, over the log as it is, must find what
the monitor that went day by day has found.
"""

from __future__ import annotations

import dataclasses
import datetime
import threading
from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from ml_code.context import Context
from ml_code.platform import tables
from ml_code.platform.errors import StepError
from ml_code.platform.monitoring import commits
from ml_code.platform.monitoring.monitor import Monitored, monitor
from ml_code.platform.monitoring.monitored_log import MonitoredLog, read
from ml_code.platform.monitoring.windows import granularities
from ml_code.platform.tables import Column
from tests.ml_code.conftest import Place

COLUMNS = (
    Column("request_id", "string"),
    Column("timestamp", "timestamp"),
    Column("model_version", "string"),
    Column("team", "string"),
    Column("x", "double"),
    Column("risk", "double"),
    Column("prediction", "int"),
    Column("label", "int"),
    Column("labelled_at", "timestamp"),
    Column("label_changes", "int"),
)
ARROW = {
    "string": pa.string(),
    "timestamp": pa.timestamp("us", "UTC"),
    "double": pa.float64(),
    "int": pa.int32(),
}
FIRST = datetime.date(2026, 1, 5)  # a Monday
Snapshot = Counter[str]


def date(number: int) -> datetime.date:
    return FIRST + datetime.timedelta(days=number)


def moment(number: int, hour: int = 11) -> datetime.datetime:
    return datetime.datetime.combine(date(number), datetime.time(hour), datetime.UTC)


@dataclasses.dataclass
class Log:
    """A log with a monitor, and the lines that the monitor said."""

    context: Context
    monitored: MonitoredLog
    said: list[str] = dataclasses.field(default_factory=list)

    @classmethod
    def made(cls, place: Place, **changes: Any) -> Log:
        context = place.context("hrob.monitor", FIRST)
        monitored = MonitoredLog(
            table=context.table("log"),
            timestamp="timestamp",
            model="model_version",
            prediction="prediction",
            granularities=granularities(["1 day", "1 week"]),
            label="label",
            probability="risk",
            labelled_at="labelled_at",
            label_changes="label_changes",
            uncompared=("request_id", "label_changes"),
            slices=("team", "x > 0"),
            baseline=context.table("baseline"),
        )
        log = cls(context, dataclasses.replace(monitored, **changes))
        for table in (log.monitored.table, log.monitored.baseline):
            if table:
                tables.create_table(context.spark, table, COLUMNS, "as a test writes it")
        if log.monitored.baseline:
            log.add(0, 80, seed=99, table=log.monitored.baseline, label=np.arange(80) % 2)
        return log

    def add(self, day: int, rows: int = 30, *, seed: int | None = None, table: str | None = None, **given: Any) -> None:
        rng = np.random.default_rng(day if seed is None else seed)
        risk = rng.uniform(size=rows)
        values: dict[str, Any] = {
            "request_id": [f"{day}-{seed}-{number}" for number in range(rows)],
            "timestamp": [moment(day)] * rows,
            "model_version": ["1"] * rows,
            "team": rng.choice(["a", "b"], rows).tolist(),
            "x": rng.normal(size=rows),
            "risk": risk,
            "prediction": (risk > 0.5).astype(np.int32),
            "label": [None] * rows,
            "labelled_at": [None] * rows,
            "label_changes": [0] * rows,
        } | given
        arrays = {column.name: pa.array(values[column.name], ARROW[column.type]) for column in COLUMNS}
        spark = self.context.spark
        tables.append(spark, table or self.monitored.table, tables.from_arrow(spark, pa.table(arrays), COLUMNS))

    def label(self, when: str, value: str, day: int, *, changes: int = 0) -> None:
        at = f"timestamp'{moment(day, 0):%Y-%m-%d %H:%M:%S}Z'"
        change = f"label = {value}, labelled_at = {at}, label_changes = {changes}"
        self.sql(f"UPDATE {self.monitored.table} SET {change} WHERE {when}")  # noqa: S608  # texts of these tests

    def delete(self, when: str) -> None:
        self.sql(f"DELETE FROM {self.monitored.table} WHERE {when}")  # noqa: S608  # texts of these tests

    def sql(self, statement: str) -> list[Any]:
        return tables.run(self.context.spark, statement)

    def run(self, day: int) -> Monitored:
        self.said.clear()
        return monitor(self.context.spark, self.monitored, date(day), self.said.append)

    def tables(self) -> tuple[Snapshot, Snapshot]:
        return self.rows(self.monitored.profile_table), self.rows(self.monitored.drift_table)

    def rows(self, table: str, where: str = "true") -> Snapshot:
        found = tables.to_arrow(self.context.spark.table(table).where(where)).to_pylist()
        return Counter(str(rounded(row)) for row in found)

    def profile(self, where: str) -> list[dict[str, Any]]:
        frame = self.context.spark.table(self.monitored.profile_table).where(where)
        rows: list[dict[str, Any]] = tables.to_arrow(frame).to_pylist(maps_as_pydicts="strict")
        return rows

    def drift(self, where: str) -> list[dict[str, Any]]:
        frame = self.context.spark.table(self.monitored.drift_table).where(where)
        rows: list[dict[str, Any]] = tables.to_arrow(frame).to_pylist()
        return rows

    def from_scratch(self, day: int) -> tuple[Snapshot, Snapshot]:
        """What a monitor that never ran before finds; its tables are in the place of the old ones after it."""
        for table in (self.monitored.profile_table, self.monitored.drift_table):
            self.sql(f"DROP TABLE IF EXISTS {table}")
        self.run(day)
        return self.tables()


def rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return [rounded(item) for item in value] if isinstance(value, list | tuple) else value


def once(found: Snapshot) -> bool:
    return all(times == 1 for times in found.values())


@pytest.fixture
def log(place: Place) -> Log:
    return Log.made(place)


def test_what_is_written(log: Log) -> None:
    log.add(0, 40, model_version=["1"] * 30 + ["2"] * 10, label=np.arange(40) % 2)
    log.add(1)
    log.run(0)
    log.run(1)
    whole = "granularity = '1 day' AND slice_key IS NULL AND window.start = timestamp'2026-01-05 00:00:00Z'"
    rows = log.context.spark.table(log.monitored.table).where("timestamp < timestamp'2026-01-06 00:00:00Z'").collect()
    counts = {row["model_version"]: row["count"] for row in log.profile(f"{whole} AND column_name = ':table'")}
    assert counts == {"*": 40, "1": 30, "2": 10}

    (x,) = log.profile(f"{whole} AND column_name = 'x' AND model_version = '*'")
    values = np.array([row["x"] for row in rows])
    assert x["window"] == {"start": moment(0, 0), "end": moment(1, 0)}
    assert (x["log_type"], x["data_type"], x["count"], x["num_nulls"]) == ("INPUT", "double", 40, 0)
    assert [x[name] for name in ("avg", "stddev", "min", "max", "median")] == pytest.approx(
        [values.mean(), values.std(ddof=1), values.min(), values.max(), np.median(values)]
    )
    assert x["quantiles"] == pytest.approx(np.quantile(values, np.linspace(0, 1, 101)).tolist())

    (table,) = log.profile(f"{whole} AND column_name = ':table' AND model_version = '*'")
    assert table["non_null_columns"] == [column.name for column in COLUMNS if column.name != "labelled_at"]
    right = [row["prediction"] == row["label"] for row in rows]
    assert table["accuracy_score"] == pytest.approx(np.mean(right))
    assert set(table["f1_score"]["one_vs_all"]) == {"0", "1"}

    sliced = log.profile(
        "granularity = '1 day' AND model_version = '*' AND column_name = ':table' "
        "AND window.start = timestamp'2026-01-05 00:00:00Z'"
    )
    shape = {(row["slice_key"], row["slice_value"]): row["count"] for row in sliced}
    teams = Counter(row["team"] for row in rows)
    positive = int((values > 0).sum())
    assert shape == {
        (None, None): 40,
        ("team", "a"): teams["a"],
        ("team", "b"): teams["b"],
        ("x > 0", "true"): positive,
        ("x > 0", "false"): 40 - positive,
    }
    fair = {row["slice_value"]: row["statistical_parity"] for row in sliced if row["slice_key"] == "x > 0"}
    assert set(fair["true"]) == {"0", "1"}
    assert fair["false"] is None

    baseline = log.profile("log_type = 'BASELINE' AND slice_key IS NULL AND column_name = ':table'")
    assert [(row["window"], row["model_version"], row["count"]) for row in baseline] == [(None, None, 80)]

    drift = log.drift("granularity = '1 day' AND model_version = '*' AND slice_key IS NULL AND column_name = 'x'")
    kinds = {(row["drift_type"], row["window"]["start"].day): row for row in drift}
    assert set(kinds) == {("BASELINE", 5), ("BASELINE", 6), ("CONSECUTIVE", 6)}
    consecutive = kinds["CONSECUTIVE", 6]
    assert consecutive["window_cmp"] == {"start": moment(0, 0), "end": moment(1, 0)}
    assert consecutive["count_delta"] == -10
    assert consecutive["ks_test"]["pvalue"] <= 1
    assert consecutive["js_distance"] is None  # as Databricks: of categories alone
    assert kinds["BASELINE", 5]["window_cmp"] is None
    (team,) = log.drift(
        "granularity = '1 day' AND model_version = '*' AND slice_key IS NULL AND column_name = 'team' "
        "AND drift_type = 'CONSECUTIVE'"
    )
    assert team["chi_squared_test"]["statistic"] >= 0
    assert team["ks_test"] is None


def test_day_by_day_ends_where_one_run_over_everything_does(log: Log) -> None:
    for day in range(9):
        if day != 4:
            log.add(day, model_version=["1"] * 30 if day < 6 else ["1"] * 10 + ["2"] * 20)
        if day == 3:
            log.label("request_id LIKE '1-%' OR request_id = '0-None-3'", "prediction", day)
        if day == 5:
            log.label("request_id LIKE '1-None-1%'", "1 - label", day, changes=1)
            log.add(2, 3, seed=7)  # late predictions
        if day == 6:
            log.delete("request_id LIKE '3-%'")  # nothing is left of that day
        done = log.run(day)
        if day == 3:  # the days of the labels as well; of the week it is this day's anyway
            assert done.windows == {"1 day": 3, "1 week": 1}
    assert log.said == []
    found = log.tables()
    assert all(once(table) for table in found)
    assert found == log.from_scratch(8)


def test_a_run_reads_what_is_new(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[tuple[list[str], bool]] = []

    def watched(spark: Any, of: Any, slices: Any, windows: Any, columns: Any = None) -> Any:
        reads.append((sorted(f"{window.start:%d}-{window.end:%d}" for window in windows), columns is None))
        return read(spark, of, slices, windows, columns)

    monkeypatch.setattr("ml_code.platform.monitoring.monitor.read", watched)
    log.monitored = dataclasses.replace(log.monitored, granularities=granularities(["1 day"]))
    for day in range(3):
        log.add(day)
        log.run(day)
    assert reads == [(["05-06"], True), (["05-06", "06-07"], True), (["06-07", "07-08"], True)]
    log.label("request_id LIKE '0-%'", "1", 3)
    log.add(3)
    reads.clear()
    log.run(3)
    assert reads == [(["07-08", "08-09"], True), (["05-06", "06-07"], False)]


def test_again_is_the_same(log: Log) -> None:
    for day in range(2):
        log.add(day)
        log.run(day)
    before = log.tables()
    assert log.run(0).windows == {"1 day": 1, "1 week": 1}
    assert log.tables() == before  # the week keeps the rows of the later day
    log.add(2)
    log.add(3, 7)
    done = log.run(1)  # a clock that is ahead, or a run that is behind
    assert done.later == 37
    assert log.said == [f"37 rows of {log.monitored.table} are later than the day of this run: left for later windows"]
    assert log.tables() == before
    assert log.run(3).windows["1 day"] == 2
    assert log.tables() == log.from_scratch(3)


def test_killed_between_the_two_tables(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    log.add(0)
    log.run(0)
    log.add(1)
    log.label("request_id LIKE '0-%'", "1", 1)
    real = commits.replace

    def killed(spark: Any, name: str, *rest: Any) -> None:
        if name == log.monitored.profile_table:
            raise KeyboardInterrupt
        real(spark, name, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(commits, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            log.run(1)
    log.add(2)
    log.run(2)  # the day of the killed run is made up for
    found = log.tables()
    assert found == log.from_scratch(2)
    assert all(once(table) for table in found)


@pytest.mark.parametrize("known", [False, True])
def test_two_at_once(log: Log, known: bool) -> None:
    log.add(0)
    if known:
        log.run(0)
        log.label("request_id LIKE '0-%'", "1", 1)
    log.add(1)
    start = threading.Barrier(3)
    errors: list[BaseException] = []

    def work() -> None:
        start.wait()
        try:
            monitor(log.context.spark, log.monitored, date(1), lambda _: None)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    found = log.tables()
    assert all(once(table) for table in found)
    assert found == log.from_scratch(1)


def test_a_doubled_window_heals(log: Log) -> None:
    log.add(0)
    log.run(0)
    log.add(1)
    log.run(1)
    before = log.tables()
    for name in (log.monitored.profile_table, log.monitored.drift_table):
        rows = log.context.spark.table(name)
        tables.append(log.context.spark, name, rows.where("window.start = timestamp'2026-01-05 00:00:00Z'"))
    log.run(1)
    assert log.tables() == before


def test_conflicts_without_end_are_said(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise commits.ConflictError("taken")

    monkeypatch.setattr(commits, "replace", refuse)
    monkeypatch.setattr("ml_code.platform.monitoring.monitor.time.sleep", lambda _: None)
    log.add(0)
    with pytest.raises(StepError, match="Let one monitor run at a time"):
        log.run(0)


def test_the_baseline_is_gone(log: Log) -> None:
    log.add(0)
    log.run(0)
    log.sql(f"DROP TABLE {log.monitored.baseline}")
    log.add(1)
    done = log.run(1)
    assert not done.against_baseline
    assert log.said[0].startswith(f"WARNING: there is no baseline {log.monitored.baseline}")
    kinds = {(row["drift_type"], row["window"]["start"].day) for row in log.drift("granularity = '1 day'")}
    assert kinds == {("BASELINE", 5), ("CONSECUTIVE", 6)}


def test_empty_constant_new_and_infinite(log: Log) -> None:
    log.add(0, x=[1.0] * 30)
    log.run(0)
    assert log.run(1).windows == {}  # not even its week
    assert log.said == ["no rows on 2026-01-06: no window of that day is written"]
    log.add(1, x=[None] * 30, team=["c"] * 29 + [None])
    log.run(1)
    log.add(2, 5, x=[np.inf, -np.inf, np.nan, 2.0, None])
    log.run(2)
    whole = "granularity = '1 day' AND slice_key IS NULL AND model_version = '*'"
    profile = {row["window"]["start"].day: row for row in log.profile(f"{whole} AND column_name = 'x'")}
    constant, empty, wild = (profile[day] for day in (5, 6, 7))
    assert [constant[name] for name in ("avg", "stddev", "distinct_count", "percent_distinct")] == [1, 0, 1, 100 / 30]
    assert (empty["count"], empty["percent_null"], empty["avg"], empty["quantiles"]) == (0, 100.0, None, None)
    assert (wild["count"], wild["num_nan"], wild["avg"], wild["max"], wild["stddev"]) == (4, 1, 2.0, 2.0, None)
    consecutive = f"{whole} AND drift_type = 'CONSECUTIVE'"
    drift = {row["window"]["start"].day: row for row in log.drift(f"{consecutive} AND column_name = 'x'")}
    assert (drift[6]["percent_null_delta"], drift[6]["avg_delta"], drift[6]["ks_test"]) == (100.0, None, None)
    teams = {row["window"]["start"].day: row for row in log.drift(f"{consecutive} AND column_name = 'team'")}
    assert teams[6]["tv_distance"] == 1.0  # nothing in common: all of the categories are new
    table = {row["window"]["start"].day: row for row in log.drift(f"{consecutive} AND column_name = ':table'")}
    assert table[6]["non_null_columns_delta"] == {"added": 0, "missing": 1}
    slices = {row["slice_value"] for row in log.profile("slice_key = 'team' AND window.start >= timestamp'2026-01-06'")}
    assert slices == {"a", "b", "c"}  # the row without a team is in the whole window only


def test_what_cannot_be_monitored_is_said(log: Log) -> None:
    for changes, words in (
        ({"table": log.context.table("nothing")}, "no table .*nothing to monitor"),
        ({"prediction": "guess"}, "has no column guess"),
        ({"slices": ("shoe_size",)}, "slicing expression 'shoe_size' cannot be evaluated"),
    ):
        broken = dataclasses.replace(log.monitored, **changes)
        with pytest.raises(StepError, match=words):
            monitor(log.context.spark, broken, FIRST, log.said.append)


def test_hours_and_slices_by_label(place: Place) -> None:
    log = Log.made(place, granularities=granularities(["1 hour"]), slices=("label = 1",), baseline=None)
    log.add(0, 20, timestamp=[moment(0, hour) for hour in range(20)])
    assert log.run(0).windows == {"1 hour": 20}
    log.label("x > 0", "1", 1)
    log.run(1)  # labels make slices: the windows are computed as a whole
    found = log.tables()
    assert found == log.from_scratch(1)
    assert log.profile("slice_key = 'label = 1' AND slice_value = 'true' AND column_name = 'x'")


def test_values_of_identifiers_are_not_listed(place: Place) -> None:
    log = Log.made(place, slices=())
    log.add(0)
    log.run(0)
    assert {str(row["frequent_items"]) for row in log.profile("column_name = 'request_id'")} == {"None"}
    assert all(row["frequent_items"] for row in log.profile("column_name = 'team'"))
