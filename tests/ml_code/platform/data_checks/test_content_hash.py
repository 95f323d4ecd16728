from __future__ import annotations

import datetime
import math
from pathlib import Path
from typing import Any

import deltalake
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_code.platform.data_checks.cells import BLOCK
from ml_code.platform.data_checks.content_hash import content_hash, hash_frame, hash_table
from ml_code.platform.data_checks.sources import FilesSource, TableSource
from tests.ml_code.conftest import Place

SCHEMA = pa.schema(
    [("whole", pa.int64()), ("number", pa.float64()), ("text", pa.string()), ("day", pa.date32()), ("flag", pa.bool_())]
)
cells = {
    "whole": st.integers(-(2**63), 2**63 - 1),
    "number": st.floats(allow_nan=True, allow_infinity=True),
    "text": st.text(max_size=4),
    "day": st.dates(datetime.date(1900, 1, 1), datetime.date(2100, 1, 1)),
    "flag": st.booleans(),
}
rows = st.lists(st.fixed_dictionaries({name: st.none() | values for name, values in cells.items()}), max_size=12)


def table(content: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(content, SCHEMA)


def digest(content: pa.Table) -> str:
    return content_hash(TableSource(content))


@settings(max_examples=80, deadline=None)
@given(content=rows, data=st.data())
def test_neither_order_nor_layout_counts(content: list[dict[str, Any]], data: st.DataObject) -> None:
    expected = digest(table(content))
    shuffled = table(data.draw(st.permutations(content)))
    cut = data.draw(st.integers(0, len(content)))
    chunked = pa.concat_tables([shuffled.slice(0, cut), shuffled.slice(cut)])
    columns = data.draw(st.permutations(SCHEMA.names))
    assert digest(chunked.select(columns)) == expected
    texts = chunked.column("text")
    for other in (texts.cast(pa.large_string()), texts.dictionary_encode()):
        assert digest(chunked.set_column(2, "text", other)) == expected
    assert (hash_table(shuffled.slice(0, cut)) + hash_table(shuffled.slice(cut))).digest == expected


@settings(max_examples=80, deadline=None)
@given(content=rows.filter(bool), data=st.data())
def test_any_change_counts(content: list[dict[str, Any]], data: st.DataObject) -> None:
    expected = digest(table(content))
    row = data.draw(st.integers(0, len(content) - 1))
    assert digest(table(content[:row] + content[row + 1 :])) != expected
    assert digest(table([*content, content[row]])) != expected
    name = data.draw(st.sampled_from(SCHEMA.names))
    other = data.draw(st.none() | cells[name])
    changed = [dict(each) for each in content]
    changed[row][name] = other
    same = other == content[row][name] or (_is_nan(other) and _is_nan(content[row][name]))
    assert (digest(table(changed)) == expected) == same


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def test_what_is_the_same_and_what_is_not() -> None:
    def of(values: list[Any], type_: pa.DataType, name: str = "x") -> str:
        return digest(pa.table({name: pa.array(values, type_)}))

    double = pa.float64()
    assert of([0.0], double) == of([-0.0], double)
    assert of([math.nan], double) == of([-math.nan], double)
    nan_of_other_bits = pa.array(np.array([0xFFF8000000000001], dtype=np.uint64).view(np.float64))
    assert digest(pa.table({"x": nan_of_other_bits})) == of([math.nan], double)
    different = [
        of([0], pa.int64()), of([0], pa.int32()), of([0.0], double), of([None], double), of([math.nan], double),
        of([math.inf], double), of([""], pa.string()), of([None], pa.string()), of(["0"], pa.string()),
        of([False], pa.bool_()), of([0.0], double, "y"), of([], double), of([0.0, 0.0], double),
        of([[0]], pa.list_(pa.int64())), of([[0, 0]], pa.list_(pa.int64())), of([b""], pa.binary()),
        of([datetime.datetime(1970, 1, 1)], pa.timestamp("us")),
    ]  # fmt: skip
    assert len(set(different)) == len(different)
    days = [datetime.datetime(2026, 1, 31, 12)]
    assert of(days, pa.timestamp("us")) == of(days, pa.timestamp("ms")) == of(days, pa.timestamp("ns"))


def test_which_cells_stand_in_one_row_counts() -> None:
    together = pa.table({"a": [1, 2], "b": [1, 2]})
    assert digest(together) != digest(pa.table({"a": [1, 2], "b": [2, 1]}))
    assert digest(together) == digest(pa.table({"b": [2, 1], "a": [2, 1]}))


def test_files_and_engines_agree(place: Place, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    many = BLOCK + 1_000
    made = pa.table(
        {
            "number": pa.array(rng.normal(size=many), mask=rng.random(many) < 0.1),
            "whole": rng.integers(0, 9, many),
            "text": rng.choice(["a", "b", None], many),
            "at": pa.array(rng.integers(0, 10**15, many), pa.timestamp("us", "UTC")),
        }
    )
    expected = digest(made)
    (tmp_path / "files").mkdir()
    shuffled = made.take(rng.permutation(many))
    for number in range(3):
        part = shuffled.slice(number * 30_000, 30_000)
        pq.write_table(part, tmp_path / f"files/{number}.parquet", row_group_size=7_000)
    assert content_hash(FilesSource.parquet(tmp_path / "files")) == expected
    deltalake.write_deltalake(str(tmp_path / "delta"), shuffled)
    deltalake.write_deltalake(str(tmp_path / "delta"), made.slice(0, 1), mode="append")
    assert content_hash(FilesSource.delta(tmp_path / "delta", version=0)) == expected
    assert content_hash(FilesSource.delta(tmp_path / "delta")) != expected

    frame = place.context("hash", "2026-01-31").spark.createDataFrame(shuffled)
    assert hash_frame(frame.repartition(5)).digest == expected
    assert hash_frame(frame.limit(0)).digest == digest(made.slice(0, 0))


def test_parts_of_different_tables_do_not_add_up() -> None:
    made = pa.table({"a": [1, 2], "b": [1, 2]})
    with pytest.raises(ValueError, match="different tables"):
        hash_table(made) + hash_table(made.drop_columns(["b"]))
