"""Statistics of a column against numpy, and those of columns that have nothing to compute them from."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_code.platform.data_checks.columns import prepare
from ml_code.platform.monitoring.column_profile import FREQUENT, QUANTILES, column_profile

numbers = st.none() | st.integers(-2, 2).map(float) | st.floats(-1e9, 1e9) | st.sampled_from([np.nan, np.inf, -np.inf])


def profile(values: list[Any], type_: pa.DataType, spark: str = "") -> dict[str, Any]:
    return column_profile(prepare("x", pa.array(values, type_)), spark)


@settings(deadline=None)
@given(st.lists(numbers, max_size=40))
def test_numbers_are_those_of_numpy(values: list[float | None]) -> None:
    found = profile(values, pa.float64(), "double")
    present = [value for value in values if value is not None]
    finite = np.array([value for value in present if np.isfinite(value)])
    assert found["data_type"] == "double"
    assert (found["count"], found["num_nulls"]) == (len(present), len(values) - len(present))
    assert found["num_nan"] == int(np.isnan(np.array(present, np.float64)).sum())
    assert found["num_zeros"] == int((finite == 0).sum())
    assert found["distinct_count"] == len(set(finite.tolist()))
    assert found["percent_null"] == pytest.approx(100 * found["num_nulls"] / max(len(values), 1))
    assert ("avg" in found) == bool(len(finite))
    if len(finite):
        assert found["quantiles"] == pytest.approx(np.quantile(finite, QUANTILES).tolist(), abs=1e-6)
        assert found["median"] == pytest.approx(np.median(finite), abs=1e-6)
        assert found["avg"] == pytest.approx(finite.mean(), abs=1e-6)
    if len(finite) > 1:
        assert found["stddev"] == pytest.approx(finite.std(ddof=1), abs=1e-5)


@settings(deadline=None)
@given(st.lists(st.none() | st.sampled_from(["", "a", "bb", "ä"]), max_size=30))
def test_texts(values: list[str | None]) -> None:
    found = profile(values, pa.string(), "string")
    present = [value for value in values if value is not None]
    items = {row["item"]: row["count"] for row in found.get("frequent_items", [])}
    assert items == {value: present.count(value) for value in set(present)}
    if present:
        lengths = [len(value) for value in present]
        assert [found[name] for name in ("min_length", "max_length", "avg_length")] == pytest.approx(
            [min(lengths), max(lengths), np.mean(lengths)]
        )


def test_most_frequent_items_of_many() -> None:
    values = [f"v{number:03}" for number in range(300)] + ["v299", "v150"]
    items = profile(values, pa.string())["frequent_items"]
    assert len(items) == FREQUENT
    assert [row["item"] for row in items[:3]] == ["v150", "v299", "v000"]


def test_times_are_in_seconds() -> None:
    moment = datetime.datetime(2026, 1, 5, 12, tzinfo=datetime.UTC)
    found = profile([moment, None], pa.timestamp("us", "UTC"), "timestamp")
    assert (found["min"], found["max"], found["count"]) == (moment.timestamp(), moment.timestamp(), 1)
    assert "avg" not in found
    noon = datetime.date(2026, 1, 5)
    assert profile([noon], pa.date32())["max"] == datetime.datetime(2026, 1, 5, tzinfo=datetime.UTC).timestamp()


def test_booleans_and_nested_values() -> None:
    assert profile([True, True, None], pa.bool_())["frequent_items"] == [{"item": "true", "count": 2}]
    assert profile([[1], None], pa.list_(pa.int64()), "array<bigint>") == {
        "data_type": "array<bigint>",
        "count": 1,
        "num_nulls": 1,
        "percent_null": 50.0,
    }
