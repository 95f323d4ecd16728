from __future__ import annotations

import datetime
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_code.platform.data_checks.columns import prepare
from ml_code.platform.data_checks.content_hash import content_hash
from ml_code.platform.data_checks.figure import write_figure
from ml_code.platform.data_checks.profile import QUANTILES, ColumnProfile, TableProfile, profile_column, profile_table
from ml_code.platform.data_checks.sources import FilesSource, FrameSource, TableSource
from tests.ml_code.conftest import Place


def of(values: list[Any], type_: pa.DataType | None = None) -> ColumnProfile:
    return profile_column(prepare("x", pa.array(values, type_)))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.none() | st.floats(-1e9, 1e9) | st.sampled_from([math.inf, -math.inf, math.nan, 0.0]), max_size=40))
def test_numbers_equal_pandas(values: list[float | None]) -> None:
    found = of(values, pa.float64())
    series = pd.Series([value for value in values if value is not None and math.isfinite(value)], dtype="float64")
    assert (found.rows, found.nulls) == (len(values), values.count(None))
    assert found.nans == sum(value is not None and math.isnan(value) for value in values)
    assert found.infinities == sum(value is not None and math.isinf(value) for value in values)
    assert found.distinct == series.nunique()
    if series.empty:
        assert (found.mean, found.minimum, found.quantiles, found.bins) == (None, None, None, None)
        return
    assert (found.minimum, found.maximum, found.zeros) == (series.min(), series.max(), int((series == 0).sum()))
    assert found.mean == pytest.approx(series.mean(), abs=1e-6)
    assert found.median == pytest.approx(series.median(), abs=1e-6)
    assert found.quantiles == pytest.approx(series.quantile(QUANTILES).tolist(), abs=1e-5)
    assert (found.stddev is None) == (len(series) == 1)
    if found.stddev is not None:
        assert found.stddev == pytest.approx(series.std(), abs=1e-5)
    assert found.histogram is not None
    assert sum(found.histogram.counts) == found.values == len(series)
    assert (
        ColumnProfile.from_dict(json.loads(json.dumps(TableProfile(1, "", {"x": found}).as_dict()))["columns"][0])
        == found
    )


def test_texts() -> None:
    found = of(["a", "b", None, "a", "ccc", "only me"])
    assert (found.kind, found.distinct, found.nulls, found.values) == ("categorical", 4, 1, 5)
    assert found.lengths is not None
    assert (found.lengths.minimum, found.lengths.maximum, found.lengths.mean) == (1, 7, 13 / 5)
    # A text that occurs once may name somebody.
    assert found.top() == [("a", 2)]
    encoded = pa.array(["a", "b", None, "a", "ccc", "only me"]).dictionary_encode()
    assert profile_column(prepare("x", encoded)) == found
    loose = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2, 3, 4, 5]), ["a", "b", None, "a", "ccc", "only me"])
    assert profile_column(prepare("x", loose)) == found


def test_days_truths_and_what_has_no_statistics() -> None:
    days = of([datetime.date(2026, 1, 31), None, datetime.date(2024, 2, 29)])
    assert (days.kind, days.minimum, days.maximum, days.mean) == ("date", "2024-02-29", "2026-01-31", None)
    moments = of([datetime.datetime(2026, 1, 31, 12, 30)])
    assert (moments.kind, moments.median) == ("timestamp", "2026-01-31T12:30:00")
    truths = of([True, False, True, None])
    assert (truths.kind, truths.distinct, truths.top()) == ("boolean", 2, [("true", 2)])
    lists = of([[1], None])
    assert (lists.kind, lists.rows, lists.nulls, lists.distinct) == ("other", 2, 1, None)
    nothing = of([None, None], pa.null())
    assert (nothing.kind, nothing.nulls) == ("other", 2)


def test_numbers_too_large_for_doubles() -> None:
    whole = of([2**63 - 1, 2**63 - 2, -(2**63)])
    assert whole.distinct == 3
    huge = of([1e308, -1e308, 1e308, 0.0])
    assert huge.stddev == pytest.approx(9.574e307, rel=1e-3)
    assert huge.histogram is None
    json.dumps(TableProfile(4, "", {"x": huge}).as_dict(), allow_nan=False)


def test_every_source_gives_the_same_profile(place: Place, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    made = pa.table(
        {
            "key": [f"k{number}" for number in range(500)],
            **{f"n{number}": pa.array(rng.normal(size=500), mask=rng.random(500) < 0.1) for number in range(9)},
            "text": rng.choice(["a", "b", "c"], 500),
        }
    )
    pq.write_table(made, tmp_path / "made.parquet", row_group_size=60)
    expected = profile_table(TableSource(made), keys=("key",))
    assert list(expected.columns) == made.column_names[1:]
    assert expected.digest == content_hash(TableSource(made))
    assert profile_table(FilesSource.parquet(tmp_path / "made.parquet"), keys=("key",)) == expected
    frame = place.context("profile", "2026-01-31").spark.createDataFrame(made)
    assert profile_table(FrameSource(frame.repartition(3), together=4), keys=("key",)) == expected
    write_figure(tmp_path / "profile.png", expected)
    assert (tmp_path / "profile.png").stat().st_size > 5_000
