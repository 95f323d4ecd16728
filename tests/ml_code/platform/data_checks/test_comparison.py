"""The gate's rule on small made-up training sets."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from ml_code.platform.data_checks.columns import Prepared
from ml_code.platform.data_checks.comparison import (
    DataLimits,
    GateVerdict,
    Last,
    Shift,
    TrainingSet,
    decide,
    read_limits,
    shift,
)
from ml_code.platform.data_checks.profile import TableProfile, profile_table
from ml_code.platform.data_checks.sources import TableSource
from ml_code.platform.errors import ConfigurationError

ROWS = 2_000
Change = Callable[[pa.Table], pa.Table]


def births(rows: int = ROWS, seed: int = 1) -> pa.Table:
    rng = np.random.default_rng(seed)
    return pa.table(
        {
            "id": [f"b{number}" for number in range(rows)],
            "age": rng.normal(28, 5, rows),
            "visits": pa.array(rng.integers(0, 20, rows), mask=rng.random(rows) < 0.05),
            "place": rng.choice(["home", "clinic", "hospital"], rows, p=[0.1, 0.3, 0.6]),
            "label": (rng.random(rows) < 0.2).astype(np.int32),
        }
    )


def profile(table: pa.Table, last: TableProfile | None = None) -> tuple[TableProfile, dict[str, Shift | None]]:
    shifts: dict[str, Shift | None] = {}

    def look(column: Prepared) -> None:
        shifts[column.name] = shift(column, last.columns.get(column.name)) if last else None

    return profile_table(TableSource(table), keys=("id",), look=look), shifts


def judged(change: Change, limits: DataLimits = DataLimits(), code: str = "c", **more: Any) -> GateVerdict:  # noqa: B008  # frozen
    before, _ = profile(births())
    kept = TableProfile.from_dict(json.loads(json.dumps(before.as_dict(), allow_nan=False)))
    assert kept == before
    now, shifts = profile(change(births()), kept)
    present = TrainingSet(now, "label", ("age", "visits", "place", "label"), code)
    return decide(present, Last("v1", kept, "c"), shifts, limits, **more)


def with_column(name: str, make: Callable[[Any], Any]) -> Change:
    def change(table: pa.Table) -> pa.Table:
        made = make(table.column(name).to_pandas())
        return table.set_column(table.column_names.index(name), name, pa.array(made))

    return change


def nothing(table: pa.Table) -> pa.Table:
    return table


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda table: table.slice(0, 900), "900 rows, less than 50% of the last training set's 2000"),
        (lambda table: table.slice(0, 0), "the training set has no rows"),
        (lambda table: table.drop_columns(["age"]), "column age is gone"),
        (with_column("age", lambda age: age.astype(str)), "column age is string, it was double"),
        (with_column("age", lambda age: age * 12), "column age: its distribution is torn (population stability index"),
        (with_column("age", lambda age: age.where(age > 30)), "column age: 66% of the values are missing, 0% were"),
        (with_column("age", lambda age: age.where(age > 30, np.inf)), "column age: 66% of the values are missing"),
        (with_column("place", lambda place: place.str.upper()), "column place: its distribution is torn"),
        (lambda table: table.drop_columns(["label"]), "the label label is absent"),
        (with_column("label", lambda label: label * 0), "the label label is 0 in every row"),
        (with_column("label", lambda label: label.where(label > 1)), "the label label has no value in any of 2000"),
    ],
)  # fmt: skip
def test_what_cannot_be_trusted_stops(change: Change, reason: str) -> None:
    for when_unchanged in ("train", "skip"):
        found = judged(change, when_unchanged=when_unchanged)
        assert found.decision == "stop"
        assert any(said.startswith(reason) for said in found.reasons), found.reasons


@pytest.mark.parametrize(
    ("change", "more", "reason"),
    [
        (nothing, {"code": "other"}, "the code changed since v1"),
        (lambda table: pa.concat_tables([table, births(200, 2)]), {}, "200 new or corrected rows beside 2000"),
        (nothing, {"new_rows": 100}, "100 new or corrected rows beside 2000"),
        (with_column("age", lambda age: age + 2.5), {}, "column age: population stability index 0."),
        (with_column("label", lambda label: label.where(label.index >= 100, 1)), {}, "label label: mean 0."),
        (with_column("age", lambda age: age.where(age > 20)), {}, "column age: 5."),
        (lambda table: table.append_column("new", table.column("age")), {}, "new columns: new"),
        (nothing, {"when_unchanged": "train"}, "neither data nor code changed since v1, and the settings train"),
    ],
)
def test_what_changed_enough_is_trained_on(change: Change, more: dict[str, Any], reason: str) -> None:
    found = judged(change, **more)
    assert found.decision == "train"
    assert any(said.startswith(reason) for said in found.reasons), found.reasons


def test_unchanged_data_are_skipped_and_so_are_a_few_new_rows() -> None:
    assert judged(nothing) == GateVerdict("skip", ("neither data nor code changed since v1",))
    few = judged(lambda table: pa.concat_tables([table, births(40, 3)]), new_rows=40)
    assert few == GateVerdict("skip", ("too little changed since v1",))


def test_few_rows_are_not_drift_by_chance() -> None:
    rows = profile(births(60, 1))[0]
    for seed in range(2, 12):
        now, shifts = profile(births(60, seed), rows)
        present = TrainingSet(now, "label", ("age", "visits", "place", "label"), "c")
        found = decide(present, Last("v1", rows, "c"), shifts, DataLimits(label_rate=5, missing=1), new_rows=0)
        assert found.decision == "skip", found.reasons


def test_a_column_that_the_project_gave_up_is_a_change_and_no_loss() -> None:
    before, _ = profile(births())
    now, shifts = profile(births().drop_columns(["age"]), before)
    present = TrainingSet(now, "label", ("visits", "place", "label"), "c")
    found = decide(present, Last("v1", before, "c"), shifts, DataLimits())
    assert found == GateVerdict("train", ("columns not used any more: age",))


def test_the_first_training_set_is_trained_on_unless_it_is_unusable() -> None:
    now, _ = profile(births())
    present = TrainingSet(now, "label", (), "c")
    assert decide(present, None, {}, DataLimits()).decision == "train"
    assert decide(replace(present, label="weight"), None, {}, DataLimits()).decision == "stop"


def test_limits_decide() -> None:
    torn = with_column("age", lambda age: age * 12)
    assert judged(torn, read_limits('{"torn": 50, "torn_js": 1}')).decision == "train"
    assert judged(torn, read_limits('{"ignore": ["age"]}')).decision == "skip"
    assert judged(lambda table: table.slice(0, 900), read_limits('{"least_rows": 0.4}')).decision == "skip"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"torn_psi": 3}', "data_limits: torn_psi: unknown key"),
        ('{"least_rows": 1.5}', "data_limits: least_rows: .* less than or equal to 1, found 1.5"),
        ('{"drift": "high"}', "data_limits: drift: .* valid number, found 'high'"),
        ('{"drift": }', "data_limits: not JSON"),
        ("[]", "data_limits: expected a mapping at the top, found list"),
    ],
)
def test_wrong_limits_are_said(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        read_limits(text)
