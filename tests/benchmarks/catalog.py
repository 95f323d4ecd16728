"""A read of a table by its three-level name through Sail; the peer is the same read by the table's path.

What the name costs is Sail's look-up in the workspace's Unity Catalog REST: the difference of the two, in
milliseconds. The table has the columns of the project's births table and 200 rows; each round takes the
median of 40 reads, ours and the peer's in turn, all in one engine of a workspace that was started for this.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from infra.workspace import launch
from ml_code.projects.hrob.generator import Population, births
from tests.benchmarks.harness import ROUNDS, Row, say, seconds

_GOAL = 20
_READS = 40
_TABLE = "bench.hrob.births"
_UNITY = "/api/2.1/unity-catalog"


def measure() -> Row:
    with tempfile.TemporaryDirectory() as folder:
        running = launch.start(Path(folder) / "workspace", port=0)
        try:
            running.call("POST", f"{_UNITY}/catalogs", json={"name": "bench"})
            running.call("POST", f"{_UNITY}/schemas", json={"name": "hrob", "catalog_name": "bench"})
            engine = running.call("POST", "/api/2.0/local/engines", json={"working_directory": folder})
            return _measured(running, engine["spark_remote"])
        finally:
            launch.stop(Path(folder) / "workspace")


def _measured(running: launch.Running, remote: str) -> Row:
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.remote(remote).create()
    try:
        spark.createDataFrame(births(Population(members=200))).write.format("delta").saveAsTable(_TABLE)
        path = running.call("GET", f"{_UNITY}/tables/{_TABLE}")["storage_location"]

        def by_name() -> Any:
            return spark.read.table(_TABLE).toArrow()

        def by_path() -> Any:
            return spark.read.format("delta").load(path).toArrow()

        assert by_name().num_rows == by_path().num_rows == 200
        mine, theirs = _alternate(by_name, by_path)
    finally:
        with suppress(Exception):  # the engine ends with the workspace in any case
            spark.stop()
    ours, peer = statistics.median(mine), statistics.median(theirs)
    return Row(
        "catalog", round(ours, 3), round(peer, 3), round(ours / peer, 4), "ms", f"at most {_GOAL} ms more",
        ours - peer <= _GOAL, {"extra_ms": round(ours - peer, 3)},
    )  # fmt: skip


def _alternate(by_name: Callable[[], Any], by_path: Callable[[], Any]) -> tuple[list[float], list[float]]:
    mine: list[float] = []
    theirs: list[float] = []
    for turn in range(1, ROUNDS + 1):
        pairs = [(seconds(by_name) * 1000, seconds(by_path) * 1000) for _ in range(_READS)]
        mine.append(statistics.median(pair[0] for pair in pairs))
        theirs.append(statistics.median(pair[1] for pair in pairs))
        say(f"  round {turn}/{ROUNDS}: by name {mine[-1]:.1f} ms, by path {theirs[-1]:.1f} ms")
    return mine, theirs
