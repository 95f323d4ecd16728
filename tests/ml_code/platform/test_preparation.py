from __future__ import annotations

import lightgbm
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_code.platform.features.preparation import _BLOCK, Matrix, Preparation

NAMES = ("x", "y", "z")


def column_major(table: pa.Table, fill: dict[str, float]) -> Matrix:
    """The same matrix by pandas, one column after the other."""
    frame = table.to_pandas()[list(NAMES)]
    single = all(kind == np.float32 for kind in frame.dtypes)
    # The precision before the fill, which is then that of the matrix and not that of its column.
    return np.asfortranarray(frame.astype(np.float32 if single else np.float64).fillna(fill).to_numpy())


def table(rows: int, types: tuple[str, str, str] = ("float32", "float32", "float32")) -> pa.Table:
    rng = np.random.default_rng(rows)
    columns = [pa.array(rng.random(rows).astype(kind), mask=rng.random(rows) < 0.2) for kind in types]
    return pa.table(columns, names=list(NAMES))


@settings(deadline=None, max_examples=25)
@given(
    st.one_of(st.integers(0, 8), st.integers(_BLOCK - 2, _BLOCK + 2), st.integers(2 * _BLOCK - 2, 2 * _BLOCK + 2)),
    st.tuples(*[st.sampled_from(["float32", "float64"])] * 3),
)
def test_every_row_of_every_block_is_there(rows: int, types: tuple[str, str, str]) -> None:
    made = table(rows, types)
    found = Preparation(NAMES, {"y": 0.1}).matrix(made)
    np.testing.assert_array_equal(found, column_major(made, {"y": 0.1}))
    assert found.dtype == (np.float32 if set(types) == {"float32"} else np.float64)


def test_the_matrix_is_row_major_as_lightgbm_reads_it_fastest() -> None:
    assert Preparation(NAMES, {}).matrix(table(10)).flags.c_contiguous


def test_rows_are_left_as_they_were() -> None:
    frame = table(10).to_pandas()
    before = frame.copy()
    Preparation(NAMES, dict.fromkeys(NAMES, 0.5)).matrix(frame)
    assert frame.equals(before)
    assert before.isna().any().any()


@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_predictions_are_those_of_a_column_major_matrix(kind: str) -> None:
    made = table(_BLOCK + 100, (kind, kind, kind))
    matrix = Preparation(NAMES, {"y": 0.1}).matrix(made)
    reference = column_major(made, {"y": 0.1})
    outcome = np.nan_to_num(reference[:, 0]) > 0.5
    parameters = {"objective": "binary", "num_threads": 1, "verbosity": -1}
    booster = lightgbm.train(parameters, lightgbm.Dataset(reference, outcome), num_boost_round=20)
    risk = booster.predict(matrix)
    assert np.array_equal(risk, booster.predict(reference.astype(np.float64)))
    assert np.ptp(risk) > 0.5
