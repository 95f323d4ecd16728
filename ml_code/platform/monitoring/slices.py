"""Slices of a table by Spark SQL expressions, as a Databricks quality monitor has them.

A column name gives one slice for each of its values, a condition the slices true and false. Of an expression with many
values the 100 most frequent give slices. Rows where an expression is null are in none of its slices.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ml_code.platform.errors import StepError

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

MOST = 100
"""Slices of one expression at most."""

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Slice:
    """One slice; without key and value it is the whole table."""

    key: str | None = None
    value: str | None = None


WHOLE = Slice()


@dataclass(frozen=True)
class Slicing:
    """The expressions by which a table is sliced, checked against it."""

    expressions: tuple[str, ...]
    conditions: frozenset[str] = frozenset()

    def columns(self) -> list["Column"]:
        """Each expression's value as text, to select beside the table's own columns."""
        from pyspark.sql import functions as F  # noqa: N812  # Spark's own convention

        return [F.expr(text).cast("string").alias(_name(number)) for number, text in enumerate(self.expressions)]

    def split(self, rows: pa.Table, among: Rows) -> Iterator[tuple[Slice, Rows]]:
        """The whole table and its slices, each with its row numbers among those given; none without rows."""
        yield WHOLE, among
        for number, expression in enumerate(self.expressions):
            values = _encoded(rows.column(_name(number)))
            codes = np.asarray(pc.fill_null(values.indices, -1), dtype=np.int64)[among]
            counts = np.bincount(codes[codes >= 0], minlength=len(values.dictionary))
            there = np.flatnonzero(counts)
            names = dict(zip(there.tolist(), values.dictionary.take(pa.array(there)).to_pylist(), strict=True))
            most = sorted(names, key=lambda code: (-counts[code], names[code]))[:MOST]
            for code in sorted(most, key=names.__getitem__):
                yield Slice(expression, names[code]), among[codes == code]


def slicing(frame: "DataFrame", expressions: Sequence[str], table: str = "the monitored table") -> Slicing:
    """The expressions, each once, checked against the table. Raises StepError naming one that cannot be evaluated."""
    from pyspark.sql import functions as F  # noqa: N812  # Spark's own convention

    once = tuple(dict.fromkeys(text.strip() for text in expressions))
    conditions = set()
    for text in once:
        try:
            kind = frame.select(F.expr(text).alias("value")).schema["value"].dataType.simpleString()
        except Exception as error:
            reason = str(error).strip().splitlines()[0][:200]
            raise StepError(f"slicing expression {text!r} cannot be evaluated on {table}: {reason}") from None
        if kind.startswith(("struct", "array", "map", "binary")):
            raise StepError(f"slicing expression {text!r} is of type {kind}, by whose values rows cannot be sliced")
        if kind == "boolean":
            conditions.add(text)
    return Slicing(once, frozenset(conditions))


def _name(number: int) -> str:
    return f"__slice_{number}"


def _encoded(column: pa.ChunkedArray) -> pa.DictionaryArray:
    plain = column.combine_chunks()
    return plain if pa.types.is_dictionary(plain.type) else plain.dictionary_encode()
