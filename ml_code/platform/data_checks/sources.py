"""Tables of any size, one column in memory at a time: Arrow tables, Parquet and Delta files, Spark DataFrames."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import pyarrow as pa
import pyarrow.dataset as ds

from ml_code.platform import tables
from ml_code.platform.data_checks.columns import kind_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

T = TypeVar("T")


class Source(Protocol):
    """Columns by name. `column` may be called from several threads."""

    def names(self) -> list[str]:
        """The columns, in the table's order."""
        ...

    def rows(self) -> int:
        """How many rows there are."""
        ...

    def column(self, name: str) -> pa.ChunkedArray:
        """One column; its rows come in the same order as those of the others (but see FrameSource)."""
        ...


class TableSource:
    """An Arrow table that is in memory already."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def names(self) -> list[str]:
        """See Source."""
        return list(self._table.column_names)

    def rows(self) -> int:
        """See Source."""
        return int(self._table.num_rows)

    def column(self, name: str) -> pa.ChunkedArray:
        """See Source."""
        return self._table.column(name)


class FilesSource:
    """Files of a pyarrow dataset; only the column that is asked for is read. Texts come as dictionaries."""

    def __init__(self, dataset: Any) -> None:
        self._dataset = dataset

    @classmethod
    def parquet(cls, path: str | Path) -> "FilesSource":
        """One Parquet file, or a folder of them."""
        schema = ds.dataset(str(path), format="parquet").schema
        options = ds.ParquetReadOptions(dictionary_columns=_texts(schema))
        return cls(ds.dataset(str(path), format=ds.ParquetFileFormat(read_options=options)))

    @classmethod
    def delta(cls, path: str | Path, version: int | None = None) -> "FilesSource":
        """A Delta table by path, at a version or as it is now."""
        from deltalake import DeltaTable

        table = DeltaTable(str(path), version=version)
        options = ds.ParquetReadOptions(dictionary_columns=_texts(table.to_pyarrow_dataset().schema))
        return cls(table.to_pyarrow_dataset(parquet_read_options=options))

    def names(self) -> list[str]:
        """See Source."""
        return list(self._dataset.schema.names)

    def rows(self) -> int:
        """See Source."""
        return int(self._dataset.count_rows())

    def column(self, name: str) -> pa.ChunkedArray:
        """See Source."""
        return self._dataset.to_table(columns=[name], use_threads=False).column(name)


class FrameSource:
    """A Spark DataFrame, read some columns at a time.

    Spark may give the rows of each reading in another order: statistics of a column do not mind, a content hash of
    rows must come from `content_hash.hash_frame`.
    """

    def __init__(self, frame: "DataFrame", together: int = 8) -> None:
        self.frame = frame
        self._together = together
        self._lock = threading.Lock()
        self._group: pa.Table | None = None

    def names(self) -> list[str]:
        """See Source."""
        return list(self.frame.columns)

    def rows(self) -> int:
        """See Source."""
        return int(self.frame.count())

    def column(self, name: str) -> pa.ChunkedArray:
        """See Source."""
        with self._lock:
            if self._group is None or name not in self._group.column_names:
                at = self.names().index(name) // self._together * self._together
                self._group = None
                self._group = tables.to_arrow(self.frame.select(self.names()[at : at + self._together]))
            return self._group.column(name)


def each_column(
    source: Source,
    visit: Callable[[str, pa.ChunkedArray], T],
    names: Sequence[str] | None = None,
    threads: int = 2,
) -> dict[str, T]:
    """What `visit` makes of each column. As many columns are in memory as there are threads."""
    wanted = list(source.names() if names is None else names)
    with ThreadPoolExecutor(threads) as pool:
        made = pool.map(lambda name: visit(name, source.column(name)), wanted)
        return dict(zip(wanted, made, strict=True))


def _texts(schema: pa.Schema) -> list[str]:
    return [field.name for field in schema if kind_of(field.type) == "categorical"]
