"""Slices: which rows are in them, and how many there are of an expression with many values."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from ml_code.platform.monitoring.slices import MOST, WHOLE, Slice, Slicing


def test_each_value_is_a_slice_of_the_rows_that_have_it() -> None:
    rows = pa.table({"__slice_0": ["b", "a", None, "b", "a"], "__slice_1": ["true", "false", "true", None, "true"]})
    found = {
        slice_: numbers.tolist()
        for slice_, numbers in Slicing(("team", "x > 0")).split(rows, np.array([0, 1, 2, 3], dtype=np.int64))
    }
    assert found == {
        WHOLE: [0, 1, 2, 3],
        Slice("team", "a"): [1],
        Slice("team", "b"): [0, 3],
        Slice("x > 0", "false"): [1],
        Slice("x > 0", "true"): [0, 2],
    }


def test_of_many_values_the_most_frequent_are_slices() -> None:
    values = [f"v{number:03}" for number in range(150)] + ["v149", "v149", "v120"]
    rows = pa.table({"__slice_0": pa.array(values).dictionary_encode()})
    found = [slice_.value for slice_, _ in Slicing(("key",)).split(rows, np.arange(len(values)))][1:]
    assert len(found) == MOST
    assert found == [*(f"v{number:03}" for number in range(98)), "v120", "v149"]
