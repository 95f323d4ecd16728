"""Profile and drift of every column of a table against a baseline, two columns in memory for each thread."""

import pyarrow as pa

from ml_code.platform.data_checks.columns import prepare
from ml_code.platform.data_checks.profile import ColumnProfile, profile_column
from ml_code.platform.data_checks.sources import Source, each_column
from ml_code.platform.monitoring.drift.compare import DriftValues, compare


def compare_tables(source: Source, baseline: Source, threads: int = 2) -> dict[str, tuple[ColumnProfile, DriftValues]]:
    """By column of the table; a column that the baseline does not have has no drift values."""
    known = set(baseline.names())

    def visit(name: str, column: pa.ChunkedArray) -> tuple[ColumnProfile, DriftValues]:
        prepared = prepare(name, column)
        del column
        drift = compare(prepared, prepare(name, baseline.column(name))) if name in known else DriftValues()
        return profile_column(prepared), drift

    return each_column(source, visit, threads=threads)
