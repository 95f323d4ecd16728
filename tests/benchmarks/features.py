"""500 features of 1,000,000 members from nine monthly events each, read from Parquet and written to a table.

Ours is the project's `write_event_features` on Sail: Spark expressions, 100,000 members at a time, written to
Delta. The peer computes the same ten statistics of the same 50 measures with pandas, as it is done with
pandas: the whole table in memory, one groupby for each statistic, the result written to Parquet. Before the
measuring both are compared on 2,000 members. Rows are members; memory is the peak of the process, for ours
Sail and its driver together.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from tests.benchmarks.harness import Row, alternate, compared
from tests.benchmarks.members import MEMBERS, NAMES, Turn, engine, in_process, peaks, told, write_events

_MODULE = "tests.benchmarks.features"
_MONTHS = 9
_CHECKED = 2_000
NOTE = """In CPU seconds for 50,000 members on an engine that has worked before, reading the events took 0.1, the 404
running values and 500 statistics together 3 to 4; with the Delta write, measured on its first use of that engine, it
was 6 to 7, nearly half of that the kernel's (first-touched memory). Tried without gain: numpy on groups of 2,000
members by `applyInArrow` (4.1 against 3.2 to 3.8), Parquet without dictionaries (6.4 against 6.8, one turn each)."""


def measure() -> Row:
    with tempfile.TemporaryDirectory() as folder:
        _check(Path(folder))
        source = write_events(Path(folder), MEMBERS)
        turns: dict[str, list[Turn]] = {"ours": [], "peer": []}

        def speed(side: str) -> float:
            with tempfile.TemporaryDirectory(dir=folder) as target:
                turns[side].append(in_process(_MODULE, side, str(source), target, str(MEMBERS)))
            return MEMBERS / turns[side][-1].seconds

        mine, theirs = alternate(lambda: speed("ours"), lambda: speed("peer"))
    return compared(
        "features", "rows/s", mine, theirs,
        peak_gb=peaks(turns["ours"]), peer_peak_gb=peaks(turns["peer"]),
    )  # fmt: skip


def write_ours(source: Path, target: Path, members: int) -> None:
    """The project's way, timed once the engine is up; prints the turn."""
    from ml_code.platform.features.events import write_event_features

    with engine() as (spark, process):
        started = time.perf_counter()
        events = spark.read.parquet(str(source))
        write_event_features(
            events,
            NAMES,
            lambda part: part.write.format("delta").mode("append").save(str(target / "features")),
            members=members,
        )
        told(time.perf_counter() - started, process)


def write_peer(source: Path, target: Path) -> None:
    """The same with pandas; prints the turn."""
    started = time.perf_counter()
    pandas_features(pd.read_parquet(source)).to_parquet(target / "features.parquet")
    told(time.perf_counter() - started)


def pandas_features(events: pd.DataFrame) -> pd.DataFrame:
    """The statistics of `event_features`, one row a member, as float32."""
    names = list(NAMES)
    grouped = events.groupby("member")
    months = grouped["month"].agg(["count", "sum"])
    squares = (events["month"] ** 2).groupby(events["member"]).sum()
    across = squares - months["sum"] ** 2 / months["count"]
    values = grouped[names]
    total, mean = values.sum(), values.mean()
    by_month = events[names].mul(events["month"], axis=0).groupby(events["member"]).sum()
    low, high = values.min(), values.max()
    late = events[events["month"] > _MONTHS - _MONTHS // 3]
    parts = {
        "sum": total,
        "mean": mean,
        "min": low,
        "max": high,
        "range": high - low,
        "stddev": values.std(ddof=0),
        "first": events[events["month"] == 1].set_index("member")[names],
        "last": events[events["month"] == _MONTHS].set_index("member")[names],
        "late_mean": late.groupby("member")[names].mean(),
        "trend": by_month.sub(mean.mul(months["sum"], axis=0)).div(across, axis=0),
    }
    return pd.concat([part.astype("float32").add_suffix(f"_{name}") for name, part in parts.items()], axis=1)


def _check(folder: Path) -> None:
    """Both sides give the same numbers; a comparison of two different works would say nothing."""
    import deltalake

    small = folder / "small"
    small.mkdir()
    source = write_events(small, _CHECKED)
    in_process(_MODULE, "ours", str(source), str(small), str(_CHECKED))
    ours = deltalake.DeltaTable(str(small / "features")).to_pandas().set_index("member").sort_index()
    peer = pandas_features(pd.read_parquet(source))[list(ours.columns)]
    # float32 sums: pandas adds in float32, ours in float64.
    np.testing.assert_allclose(ours.to_numpy(), peer.to_numpy(), rtol=1e-3, atol=1e-3)


if __name__ == "__main__":
    if sys.argv[1] == "ours":
        write_ours(Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
    else:
        write_peer(Path(sys.argv[2]), Path(sys.argv[3]))
