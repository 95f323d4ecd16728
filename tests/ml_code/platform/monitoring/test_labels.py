"""The label join against a model of a few lines of Python, whatever the order of labels and runs."""

from __future__ import annotations

import datetime
import itertools

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ml_code.platform import tables
from ml_code.platform.monitoring import labels
from ml_code.platform.monitoring.labels import Labelled, join_labels
from ml_code.platform.tables import Column
from tests.ml_code.conftest import Place

START = datetime.date(2026, 3, 1)
HORIZON = 10
COLUMNS = (
    Column("request_id", "string", required=True),
    Column("birth_id", "string"),
    Column("timestamp", "timestamp", required=True),
    Column("risk", "double"),
    Column("label", "int"),
    Column("labelled_at", "timestamp"),
    Column("label_changes", "int"),
)
# The members' predictions, as days after the start; b has two, c one that is late, d none.
PREDICTED = {"a": [0], "b": [0, 4], "c": [6]}
Label = tuple[str, int, int]
State = tuple[int, datetime.date, int]


def day(number: int) -> datetime.date:
    return START + datetime.timedelta(days=number)


class Log:
    """A log with the predictions above, and the labels that have come."""

    def __init__(self, place: Place) -> None:
        self.context = place.context("test", START)
        self.name = self.context.table("inference_log")
        tables.create_table(self.context.spark, self.name, COLUMNS, "log", replace=True)
        moment = datetime.time(11)
        rows = [
            (f"{member}:{number}", member, datetime.datetime.combine(day(number), moment), 0.5, None, None, None)
            for member, numbers in PREDICTED.items()
            for number in numbers
        ]
        tables.append(self.context.spark, self.name, self.context.spark.createDataFrame(rows, tables.ddl(COLUMNS)))

    def collect(self, rows: list[Label], through: int) -> Labelled:
        known = [(member, day(number), label) for member, number, label in rows]
        types = f"{labels.KEY} string, {labels.DAY} date, {labels.LABEL} int"
        frame = self.context.spark.createDataFrame(known, types)
        return join_labels(self.context.spark, self.name, "birth_id", frame, day(through), HORIZON)

    def states(self) -> dict[str, State | None]:
        rows = self.context.spark.table(self.name).collect()
        return {
            row["request_id"]: None
            if row["label"] is None
            else (row["label"], row["labelled_at"].date(), row["label_changes"])
            for row in rows
        }

    @property
    def version(self) -> int:
        return tables.version(self.context.spark, self.name)


def expected(rows: list[Label], through: int) -> dict[str, State | None]:
    """What the log says in the end, by the definition."""
    states: dict[str, State | None] = {}
    for member, numbers in PREDICTED.items():
        for number in numbers:
            last = min(through, number + HORIZON)
            known = sorted({(when, label) for who, when, label in rows if who == member and when <= last})
            changes = sum(one[1] != other[1] for one, other in itertools.pairwise(known))
            states[f"{member}:{number}"] = (known[-1][1], day(known[-1][0]), changes) if known else None
    return states


LABELS = st.tuples(st.sampled_from("abcd"), st.integers(0, 20), st.integers(0, 1))
RUNS = st.lists(st.tuples(st.lists(LABELS, max_size=6), st.integers(0, 20)), max_size=3)


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(runs=RUNS)
@example(runs=[([("a", 5, 0)], 9), ([("a", 1, 1), ("a", 7, 1), ("b", 12, 1), ("b", 3, 0), ("b", 3, 1)], 6)])
def test_any_order_of_labels_and_runs_ends_in_the_same_log(place: Place, runs: list[tuple[list[Label], int]]) -> None:
    log = Log(place)
    came: list[Label] = []
    for new, through in runs:
        came += new
        log.collect(came, through)
    log.collect(came[::-1] + came, 20)  # in another order, and each twice
    assert log.states() == expected(came, 20)
    version = log.version
    again = log.collect(came, 20)
    assert (again.new, again.corrected) == (0, 0)
    assert log.version == version


def test_corrections_in_place_are_counted_and_the_future_is_not_looked_at(place: Place) -> None:
    log = Log(place)
    assert log.collect([("a", 5, 1), ("b", 9, 0)], through=4) == Labelled(0, 0, 0, 0)
    assert log.version == 1
    assert log.collect([("a", 5, 1), ("b", 9, 0)], through=6) == Labelled(1, 0, 0, 0)
    assert log.states()["a:0"] == (1, day(5), 0)

    # The table has one row a member, which a correction replaces: the former label is in the log alone.
    assert log.collect([("a", 5, 0)], through=7) == Labelled(0, 1, 0, 0)
    assert log.collect([("a", 5, 1)], through=8) == Labelled(0, 1, 0, 0)
    assert log.states()["a:0"] == (1, day(5), 2)

    # An earlier day run again leaves alone what a later one has found.
    log.collect([("a", 9, 0)], through=10)
    version = log.version
    assert log.collect([("a", 5, 1)], through=8) == Labelled(0, 0, 0, 0)
    assert (log.states()["a:0"], log.version) == ((0, day(9), 3), version)


def test_labels_without_a_prediction_and_past_the_horizon_are_counted(place: Place) -> None:
    log = Log(place)
    found = log.collect([("d", 1, 1), ("e", 1, 0), ("e", 2, 0), ("b", 12, 1), ("a", 11, 1), ("c", 17, 0)], through=20)
    assert found == Labelled(new=1, corrected=0, unknown=2, late=2)
    assert log.states() == {"a:0": None, "b:0": None, "b:4": (1, day(12), 0), "c:6": None}


def test_many_labels_at_once_replace_the_days_that_they_are_in(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log(place)
    monkeypatch.setattr(labels, "MERGE_LIMIT", 0)
    assert log.collect([("a", 1, 1), ("c", 7, 0)], through=20) == Labelled(2, 0, 0, 0)
    assert log.states() == {"a:0": (1, day(1), 0), "b:0": None, "b:4": None, "c:6": (0, day(7), 0)}
    risks = [row["risk"] for row in log.context.spark.table(log.name).collect()]
    assert risks == [0.5] * 4
