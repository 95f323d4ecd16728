"""A column prepared once for everything that is computed from it: counts, and its values in an order that helps.

Numbers, dates and timestamps become one sorted array of doubles; texts and booleans become their distinct values with
counts. NaN and infinities of a number are counted and left out of the sorted array: no statistic or drift measure sees
them, and none turns into NaN because of them. 64-bit integers and timestamps beyond 2^53 are rounded to doubles after
their distinct values were counted.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Kind = Literal["numeric", "date", "timestamp", "categorical", "boolean", "other"]

ORDERED: tuple[Kind, ...] = ("numeric", "date", "timestamp")
COUNTED: tuple[Kind, ...] = ("categorical", "boolean")


@dataclass(frozen=True)
class Categories:
    """Distinct texts and how often each occurs, in no particular order; none occurs zero times."""

    values: pa.Array
    counts: Counts


@dataclass(frozen=True)
class Prepared:
    """A column, read and ordered. `ordered` are its finite values (dates in days, timestamps in microseconds).

    A column of another kind (lists, structs, bytes) has counts of rows and nulls only.
    """

    name: str
    kind: Kind
    type: str
    rows: int
    nulls: int
    nans: int = 0
    positive_infinities: int = 0
    negative_infinities: int = 0
    distinct: int | None = None
    ordered: Floats | None = None
    categories: Categories | None = None

    @property
    def values(self) -> int:
        """How many values statistics are made of: neither null, NaN nor infinite."""
        if self.ordered is not None:
            return len(self.ordered)
        return int(self.categories.counts.sum()) if self.categories is not None else 0

    @property
    def infinities(self) -> int:
        """Infinities of either sign."""
        return self.positive_infinities + self.negative_infinities


def prepare(name: str, column: pa.ChunkedArray | pa.Array) -> Prepared:
    """Count, then sort (numbers) or count values (texts). Nothing of the column is kept but the result."""
    chunked = pa.chunked_array([column]) if isinstance(column, pa.Array) else column
    plain = type_name(chunked.type)
    kind = kind_of(chunked.type)
    if kind == "other":
        return Prepared(name, kind, plain, len(chunked), chunked.null_count)
    if kind in COUNTED:
        return _counted(name, kind, plain, chunked)
    return _ordered(name, kind, plain, _decoded(chunked))


def kind_of(type_: pa.DataType) -> Kind:
    """How values of an Arrow type are treated."""
    types = pa.types
    if types.is_dictionary(type_):
        return kind_of(type_.value_type)
    if types.is_boolean(type_):
        return "boolean"
    if types.is_string(type_) or types.is_large_string(type_) or types.is_string_view(type_):
        return "categorical"
    if types.is_integer(type_) or types.is_floating(type_) or types.is_decimal(type_):
        return "numeric"
    if types.is_date(type_):
        return "date"
    return "timestamp" if types.is_timestamp(type_) else "other"


def type_name(type_: pa.DataType) -> str:
    """Name of the type as far as values go: how Arrow lays texts and dictionaries out, or counts days, is left out."""
    types = pa.types
    if types.is_dictionary(type_):
        return type_name(type_.value_type)
    if types.is_large_string(type_) or types.is_string_view(type_):
        return "string"
    if types.is_large_binary(type_) or types.is_binary_view(type_):
        return "binary"
    if types.is_date(type_):
        return "date"
    if types.is_timestamp(type_):
        return "timestamp" if type_.tz else "timestamp_ntz"
    return str(type_)


def encoded(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Texts as indices into one dictionary without doubles; other columns as they are."""
    if kind_of(column.type) != "categorical":
        return column
    if not pa.types.is_dictionary(column.type):
        return column.cast(pa.large_string()).dictionary_encode()
    unified = column.unify_dictionaries()
    if unified.num_chunks and _is_loose(unified.chunk(0).dictionary):
        return _decoded(column).cast(pa.large_string()).dictionary_encode()
    return unified


def _is_loose(dictionary: pa.Array) -> bool:
    return dictionary.null_count > 0 or len(dictionary.unique()) < len(dictionary)


def _decoded(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def _counted(name: str, kind: Kind, plain: str, column: pa.ChunkedArray) -> Prepared:
    categories = _truths(_decoded(column)) if kind == "boolean" else _texts(encoded(column))
    nulls = len(column) - int(categories.counts.sum())
    return Prepared(name, kind, plain, len(column), nulls, distinct=len(categories.counts), categories=categories)


def _truths(column: pa.ChunkedArray) -> Categories:
    true = pc.sum(column).as_py() or 0
    found = {"false": len(column) - column.null_count - true, "true": true}
    there = {value: count for value, count in found.items() if count}
    return Categories(pa.array(list(there), pa.large_string()), np.array(list(there.values()), dtype=np.int64))


def _texts(column: pa.ChunkedArray) -> Categories:
    if not column.num_chunks:
        return Categories(pa.array([], pa.large_string()), np.zeros(0, dtype=np.int64))
    values = column.chunk(0).dictionary
    counts = np.zeros(len(values), dtype=np.int64)
    for chunk in column.chunks:
        indices = chunk.indices.drop_null() if chunk.indices.null_count else chunk.indices
        counts += np.bincount(indices.to_numpy(), minlength=len(values))
    there = counts > 0
    if not there.all():
        values, counts = values.filter(pa.array(there)), counts[there]
    return Categories(values.cast(pa.large_string()), counts)


def _ordered(name: str, kind: Kind, plain: str, column: pa.ChunkedArray) -> Prepared:
    nulls = column.null_count
    if not pa.types.is_floating(column.type) and not pa.types.is_decimal(column.type):
        whole = _whole_numbers(kind, column)
        whole.sort()
        distinct = _distinct(whole)
        return Prepared(name, kind, plain, len(column), nulls, distinct=distinct, ordered=whole.astype(np.float64))
    # Nulls come as NaN and are told from the column's own NaN by their number; sorting puts both at the end.
    values = _own(column.cast(pa.float64()).to_numpy())
    values.sort()
    numbers = int(np.searchsorted(values, np.nan)) if len(values) else 0
    below = int(np.searchsorted(values[:numbers], -np.inf, side="right"))
    above = numbers - int(np.searchsorted(values[:numbers], np.inf, side="left"))
    finite = values[below : numbers - above]
    return Prepared(
        name,
        kind,
        plain,
        len(column),
        nulls,
        nans=len(values) - numbers - nulls,
        positive_infinities=above,
        negative_infinities=below,
        distinct=_distinct(finite),
        ordered=finite,
    )


def _whole_numbers(kind: Kind, column: pa.ChunkedArray) -> NDArray[Any]:
    present = column.drop_null() if column.null_count else column
    if kind == "date":
        present = present.cast(pa.date32()).cast(pa.int32())
    elif kind == "timestamp":
        # Finer than microseconds is cut off, as Spark does.
        present = present.cast(pa.timestamp("us", column.type.tz), safe=False).cast(pa.int64())
    return _own(present.to_numpy())


def _own(values: NDArray[Any]) -> NDArray[Any]:
    """The same values to be sorted in place: copied where they are still Arrow's, which cannot be written to."""
    return np.require(values, requirements=["W"])


def _distinct(ordered: NDArray[Any]) -> int:
    return int(np.count_nonzero(ordered[1:] != ordered[:-1])) + 1 if len(ordered) else 0
