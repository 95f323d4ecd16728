"""Profile and drift of 100 columns x 1,000,000 rows against a baseline of the same size (`wide`).

Ours is `compare_tables`: Parquet column by column, two threads; for every column its profile and all drift measures
that its kind has. The peer is evidently's DataDriftPreset on the same files with its own choice of method: one measure
a column, of numbers the Wasserstein distance and of texts the Jensen-Shannon distance; both are checked against ours.
Besides: the peak memory of both, and ours alone on ten times the rows (`growth`: its time over ten times the time).
"""

from __future__ import annotations

import json
import math
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.benchmarks.harness import Row, alternate, at_least, say
from tests.benchmarks.members import Turn, in_process, peaks, told
from tests.benchmarks.wide import NUMBERS, ROWS, TEXTS, peer_turn, write_table

_GOAL = 30
_MEMORY_GOAL = 0.25
_MODULE = "tests.benchmarks.drift"
_TIMES = 10
_CAP_GB = 8 * 2**30 / 1e9


def measure() -> Row:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sides = _write(folder, ROWS)
        turns: dict[str, list[Turn]] = {"ours": [], "peer": []}

        def ours() -> float:
            turns["ours"].append(in_process(_MODULE, *sides, str(folder / "ours.json")))
            return ROWS / turns["ours"][-1].seconds

        def peer() -> float:
            turns["peer"].append(peer_turn("drift", *sides, str(folder / "peer.json")))
            return ROWS / turns["peer"][-1].seconds

        mine, theirs = alternate(ours, peer)
        _check(folder)
        for side in sides:
            Path(side).unlink()
        many = in_process(_MODULE, *_write(folder, _TIMES * ROWS), str(folder / "many.json"))
    median = sorted(turn.seconds for turn in turns["ours"])[len(turns["ours"]) // 2]
    share = peaks(turns["ours"]) / peaks(turns["peer"])
    row = at_least(
        "drift", _GOAL, "rows/s", mine, theirs,
        peak_gb=peaks(turns["ours"]), peer_peak_gb=peaks(turns["peer"]), memory_share=round(share, 3),
        rows_of_many=_TIMES * ROWS, seconds_of_many=round(many.seconds, 1), peak_gb_of_many=many.peak_gb,
        growth=round(many.seconds / (_TIMES * median), 2),
    )  # fmt: skip
    met = row.met and share <= _MEMORY_GOAL and many.peak_gb <= _CAP_GB
    return replace(row, goal=f"{row.goal}, in at most {_MEMORY_GOAL:g} of the memory; the many within 8 GiB", met=met)


def compare_files(present: str, baseline: str, answer: Path) -> None:
    """The measured turn."""
    from ml_code.platform.data_checks.sources import FilesSource
    from ml_code.platform.monitoring.drift.tables import compare_tables

    started = time.perf_counter()
    found = compare_tables(FilesSource.parquet(present), FilesSource.parquet(baseline))
    seconds = time.perf_counter() - started
    values = {
        name: {"wasserstein": drift.wasserstein_distance, "js": drift.js_distance} for name, (_, drift) in found.items()
    }
    answer.write_text(json.dumps(values))
    told(seconds)


def _write(folder: Path, rows: int) -> tuple[str, str]:
    say(f"  writing 2 x {rows:,} rows")
    paths = (
        write_table(folder / "present.parquet", rows, 1, 0.02),
        write_table(folder / "baseline.parquet", rows, 2, 0.0),
    )
    return str(paths[0]), str(paths[1])


def _check(folder: Path) -> None:
    """The peer's measures are ours, in its units."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    ours, peer = (json.loads((folder / f"{side}.json").read_text()) for side in ("ours", "peer"))
    baseline = pq.ParquetFile(folder / "baseline.parquet")
    for name in NUMBERS:
        method, value = peer[name]
        assert method == "Wasserstein distance (normed)", method
        spread = pc.stddev(baseline.read(columns=[name]).column(name), ddof=0).as_py()
        assert ours[name]["wasserstein"] == pytest.approx(value * spread, rel=1e-6), name
    for name in TEXTS:
        method, value = peer[name]
        assert method == "Jensen-Shannon distance", method
        assert ours[name]["js"] * math.sqrt(math.log(2)) == pytest.approx(value, rel=1e-6), name


if __name__ == "__main__":
    compare_files(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
