"""A hash of a table's content that does not depend on the order of rows or columns, on files or on chunks.

Each cell is hashed with a seed from its column's name and type, the cells of a row are added up, each row's two sums
are mixed, and the rows are added modulo 2^64: a multiset hash (D. Clarke et al., Incremental multiset hash functions,
ASIACRYPT 2003, AdHash), so duplicates count and parts of a table can be hashed apart. Mixing is that of
`pandas.util.hash_array`: splitmix64 for numbers, SipHash for texts. It finds changes, it does not withstand somebody
who makes up rows to that end.

Names, types and the number of rows are part of the hash; how texts are encoded (dictionary, large) is not. Null, NaN,
an empty text and 0 are four different values; every NaN is the same, and -0.0 is 0.0, as in Spark's groups and joins.
"""

import hashlib
import json
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ml_code.platform.data_checks.columns import encoded, kind_of, type_name
from ml_code.platform.data_checks.sources import Source, each_column

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

Words = NDArray[np.uint64]
_BLOCK = 1 << 16
_NAN = np.uint64(0x7FF8000000000000)
_PARTS = "rows bigint, low decimal(20,0), high decimal(20,0)"


@dataclass(frozen=True)
class Hashed:
    """Rows of a table, hashed; parts of one table add up to the whole."""

    columns: tuple[tuple[str, str], ...]
    rows: int = 0
    low: int = 0
    high: int = 0

    def __add__(self, other: "Hashed") -> "Hashed":
        return Hashed(self.columns, self.rows + other.rows, (self.low + other.low) % 2**64, (self.high + other.high) % 2**64)

    @property
    def digest(self) -> str:
        """32 hexadecimal digits."""
        words = [sorted(self.columns), self.rows, self.low, self.high]
        return hashlib.sha256(json.dumps(words).encode()).hexdigest()[:32]


class RowHash:
    """The hash of some rows, column by column in any order and from any thread; 16 bytes a row."""

    def __init__(self, rows: int) -> None:
        self._low = np.zeros(rows, dtype=np.uint64)
        self._high = np.zeros(rows, dtype=np.uint64)
        self._columns: dict[str, str] = {}
        self._lock = threading.Lock()

    def add(self, name: str, column: pa.ChunkedArray) -> None:
        """One more column of the same rows in the same order. Raises ValueError when it has another number of rows."""
        if len(column) != len(self._low):
            raise ValueError(f"column {name} has {len(column)} rows, the table {len(self._low)}")
        plain = type_name(column.type)
        seed = hashlib.sha256(f"{name}\0{plain}".encode()).digest()
        second = np.uint64(int.from_bytes(seed[16:24], "little") | 1)
        at = 0
        for cells in _cells(column, seed):
            rows = slice(at, at + len(cells))
            times = cells * second
            with self._lock:
                self._low[rows] += cells
                self._high[rows] += times
            at += len(cells)
        with self._lock:
            self._columns[name] = plain

    def done(self) -> Hashed:
        """The rows added up."""
        low, high = (
            int(sum(_mixed(sums[at : at + _BLOCK]).sum(dtype=np.uint64).item() for at in range(0, len(sums), _BLOCK)))
            for sums in (self._low, self._high)
        )
        return Hashed(tuple(self._columns.items()), len(self._low), low % 2**64, high % 2**64)


def content_hash(source: Source, threads: int = 2) -> str:
    """32 hexadecimal digits for the content of a table."""
    rows = RowHash(source.rows())
    each_column(source, rows.add, threads=threads)
    return rows.done().digest


def hash_frame(frame: "DataFrame") -> str:
    """The same for a Spark DataFrame; the workers hash their own rows and only sums travel."""
    import ml_code

    del ml_code

    def parts(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            part = hash_table(pa.table(batch))
            yield pa.RecordBatch.from_pylist([{"rows": part.rows, "low": str(part.low), "high": str(part.high)}])

    return str(parts)


def hash_table(table: pa.Table) -> Hashed:
    """The hash of a table in memory."""
    rows = RowHash(table.num_rows)
    for name in table.column_names:
        rows.add(name, table.column(name))
    return rows.done()


def added(parts: Iterable[Hashed], columns: tuple[tuple[str, str], ...]) -> Hashed:
    """Parts of one table together."""
    return sum(parts, Hashed(columns))


def _cells(column: pa.ChunkedArray, seed: bytes) -> Iterator[Words]:
    """Hashes of the cells, in blocks."""
    salt = np.uint64(int.from_bytes(seed[:8], "little"))
    null = np.uint64(int.from_bytes(seed[8:16], "little"))
    kind = kind_of(column.type)
    by_text = kind in ("categorical", "other") or pa.types.is_decimal(_plain(column.type))
    words = _of_texts(column, seed) if by_text else _of_numbers(column, salt)
    for values, missing in words:
        if missing is not None:
            values[missing] = null
        yield values


def _of_texts(column: pa.ChunkedArray, seed: bytes) -> Iterator[tuple[Words, NDArray[np.bool_] | None]]:
    """Each distinct text is hashed once."""
    texts = encoded(column if kind_of(column.type) == "categorical" else _as_texts(column))
    if not texts.num_chunks:
        return
    distinct = texts.chunk(0).dictionary
    key = seed.hex()[-16:]
    hashes = np.zeros(len(distinct) + 1, dtype=np.uint64)
    for at in range(0, len(distinct), _BLOCK):
        values = distinct.slice(at, _BLOCK).to_numpy(zero_copy_only=False)
        hashes[at : at + len(values)] = pd.util.hash_array(values, hash_key=key, categorize=False)
    for chunk in _blocks(texts):
        missing = _missing(chunk)
        indices = chunk.indices if missing is None else pc.fill_null(chunk.indices, len(distinct))
        yield hashes[indices.to_numpy()], missing


def _of_numbers(column: pa.ChunkedArray, salt: np.uint64) -> Iterator[tuple[Words, NDArray[np.bool_] | None]]:
    for chunk in _blocks(column):
        missing = _missing(chunk)
        plain = chunk.cast(chunk.type.value_type) if pa.types.is_dictionary(chunk.type) else chunk
        yield _mixed(_bits(plain if missing is None else plain.fill_null(_zero(plain.type))) ^ salt), missing


def _bits(chunk: pa.Array) -> Words:
    """64 bits that tell the value from all others of its type."""
    type_ = chunk.type
    if pa.types.is_floating(type_):
        # Adding zero turns -0.0 into 0.0.
        values = chunk.cast(pa.float64()).to_numpy() + 0.0
        bits: Words = values.view(np.uint64)
        bits[np.isnan(values)] = _NAN
        return bits
    if pa.types.is_boolean(type_):
        return chunk.cast(pa.uint8()).to_numpy().astype(np.uint64)
    if pa.types.is_date(type_):
        chunk = chunk.cast(pa.date32()).cast(pa.int32())
    elif pa.types.is_timestamp(type_):
        chunk = chunk.cast(pa.timestamp("us", type_.tz), safe=False).cast(pa.int64())
    return chunk.to_numpy().astype(np.int64, copy=False).view(np.uint64) if not pa.types.is_uint64(type_) else chunk.to_numpy()
