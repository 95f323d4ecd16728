"""Profile and content hash of 100 columns x 1,000,000 rows (`wide`), as the data gate makes them.

Ours is `profile_table`: one reading of the Parquet file, column by column, two threads. The peer is the nearest that
evidently and pandas have: DataSummaryPreset, which profiles the columns, and `hash_pandas_object`, added up over the
rows. It too forgets the order of rows, but not of columns, and takes the table whole into memory.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.harness import Row, alternate, compared
from tests.benchmarks.members import Turn, in_process, peaks, told
from tests.benchmarks.wide import ROWS, peer_turn, write_table

_MODULE = "tests.benchmarks.gate"


def measure() -> Row:
    with tempfile.TemporaryDirectory() as name:
        path = str(write_table(Path(name) / "table.parquet", ROWS, 1, 0.0))
        turns: dict[str, list[Turn]] = {"ours": [], "peer": []}

        def speed(side: str) -> float:
            turns[side].append(in_process(_MODULE, path) if side == "ours" else peer_turn("summary", path))
            return ROWS / turns[side][-1].seconds

        mine, theirs = alternate(lambda: speed("ours"), lambda: speed("peer"))
    return compared(
        "gate", "rows/s", mine, theirs, peak_gb=peaks(turns["ours"]), peer_peak_gb=peaks(turns["peer"])
    )  # fmt: skip


def profile_file(path: str) -> None:
    """The measured turn."""
    from ml_code.platform.data_checks.profile import profile_table
    from ml_code.platform.data_checks.sources import FilesSource

    started = time.perf_counter()
    profile_table(FilesSource.parquet(path))
    told(time.perf_counter() - started)


if __name__ == "__main__":
    profile_file(sys.argv[1])
