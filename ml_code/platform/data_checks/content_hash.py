"""A hash of a table's content that does not depend on the order of rows or columns, on files or on chunks.

Each cell is hashed with a seed from its column's name and type (`cells`), the cells of a row are added up in two ways,
both sums are mixed, and the rows are added modulo 2^64: a multiset hash (D. Clarke et al., Incremental multiset hash
functions and their application to memory integrity checking, ASIACRYPT 2003), so that duplicates count and parts of a
table can be hashed apart. It finds changes; it does not withstand somebody who makes up rows to that end.

Names, types and the number of rows are part of the hash; how texts are encoded (dictionary, large) is not.
"""

import hashlib
import json
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ml_code.platform.data_checks.cells import BLOCK, Words, hashes, mixed
from ml_code.platform.data_checks.columns import type_name
from ml_code.platform.data_checks.sources import Source, each_column

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_WRAP = 2**64


@dataclass(frozen=True)
class Hashed:
    """Rows of a table, hashed; parts of one table add up to the whole."""

    columns: tuple[tuple[str, str], ...]
    rows: int = 0
    low: int = 0
    high: int = 0

    def __add__(self, other: "Hashed") -> "Hashed":
        if self.columns != other.columns:
            raise ValueError(f"parts of different tables: {self.columns} and {other.columns}")
        low, high = (self.low + other.low) % _WRAP, (self.high + other.high) % _WRAP
        return Hashed(self.columns, self.rows + other.rows, low, high)

    @property
    def digest(self) -> str:
        """32 hexadecimal digits."""
        return hashlib.sha256(json.dumps([self.columns, self.rows, self.low, self.high]).encode()).hexdigest()[:32]


class RowHash:
    """The hash of some rows, column by column in any order and from any thread; takes 16 bytes a row."""

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
        seed = hashlib.sha256(json.dumps([name, plain]).encode()).digest()
        odd = np.uint64(int.from_bytes(seed[16:24], "little") | 1)
        at = 0
        for cells in hashes(column, seed):
            rows, other = slice(at, at + len(cells)), cells * odd
            with self._lock:
                self._low[rows] += cells
                self._high[rows] += other
            at += len(cells)
        with self._lock:
            self._columns[name] = plain

    def done(self) -> Hashed:
        """The rows added up."""
        columns = tuple(sorted(self._columns.items()))
        return Hashed(columns, len(self._low), _sum(self._low), _sum(self._high))


def content_hash(source: Source, threads: int = 2) -> str:
    """32 hexadecimal digits for the content of a table whose columns come in one order of rows."""
    rows = RowHash(source.rows())
    each_column(source, rows.add, threads=threads)
    return rows.done().digest


def hash_table(table: pa.Table) -> Hashed:
    """The hash of rows in memory."""
    rows = RowHash(table.num_rows)
    for name in table.column_names:
        rows.add(name, table.column(name))
    return rows.done()


def hash_frame(frame: "DataFrame") -> Hashed:
    """The hash of a Spark DataFrame: the engine's workers hash their rows, and only sums travel."""

    def parts(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            part = hash_table(pa.Table.from_batches([batch]))
            told = {
                "columns": json.dumps(part.columns),
                "rows": part.rows,
                "low": str(part.low),
                "high": str(part.high),
            }
            yield pa.RecordBatch.from_pylist([told])

    found = frame.mapInArrow(parts, "columns string, rows bigint, low string, high string").collect()
    if not found:
        return hash_table(_no_rows(frame))
    made = [Hashed(_columns(row["columns"]), row["rows"], int(row["low"]), int(row["high"])) for row in found]
    return sum(made[1:], made[0])


def _no_rows(frame: "DataFrame") -> pa.Table:
    from ml_code.platform import tables

    return tables.to_arrow(frame.limit(0))


def _columns(text: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, type_) for name, type_ in json.loads(text))


def _sum(sums: Words) -> int:
    blocks = (mixed(sums[at : at + BLOCK]) for at in range(0, len(sums), BLOCK))
    return sum(int(block.sum(dtype=np.uint64)) for block in blocks) % _WRAP
