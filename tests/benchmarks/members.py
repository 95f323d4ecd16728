"""The made-up members that the benchmarks `features` and `scoring` work on, and the engine that they work with.

Each measured turn is a process of its own, so that its peak memory is its own: `in_process` runs one, `told`
is how it answers. Peaks are the kernel's high-water marks of resident memory.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from ml_code.projects.hrob.generator import Population, births, events

MEMBERS = 1_000_000
MEASURES = 50  # ten statistics of each: 500 features
NAMES = tuple(f"m{index:02d}" for index in range(MEASURES))
_ROOT = Path(__file__).parents[2]
_ADDRESS = re.compile(r"Spark Connect server on (127\.0\.0\.1:\d+)")


@dataclass(frozen=True)
class Turn:
    """What one process measured."""

    seconds: float
    peak_gb: float


def population(members: int) -> Population:
    return Population(members=members, missing=0.0)


def write_events(folder: Path, members: int) -> Path:
    """Monthly events as Parquet files in the order of the members; 9 rows a member."""
    target = folder / "events"
    target.mkdir()
    for number, chunk in enumerate(events(population(members), MEASURES)):
        pq.write_table(chunk.drop(["birth_id"]), target / f"{number:03d}.parquet")
    return target


def outcomes(members: int) -> Any:
    """1 where the member's birth weight is low, in the order of the members."""
    return births(population(members)).column("bwght").to_numpy() < 2500


def in_process(module: str, *arguments: str) -> Turn:
    """Runs `python -m module arguments` and returns what it told."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments], cwd=_ROOT, check=False, capture_output=True, text=True, timeout=900
    )
    if done.returncode != 0:
        raise RuntimeError(f"{module} {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr[-4000:]}")
    return Turn(**json.loads(done.stdout.splitlines()[-1]))


def told(seconds: float, *others: int) -> None:
    """The answer of a measured process; `others` are processes whose memory counts with its own."""
    peak = sum(_peak_gb(process) for process in ("self", *others))
    print(json.dumps({"seconds": seconds, "peak_gb": round(peak, 3)}))


@contextmanager
def engine() -> Iterator[tuple[Any, int]]:
    """A Spark session on a Sail process of its own, and the id of that process."""
    from pyspark import cloudpickle
    from pyspark.sql import SparkSession

    import ml_code

    # As a task's context does: the engine's workers do not have this checkout.
    cloudpickle.register_pickle_by_value(ml_code)
    command = [sys.executable, "-m", "pysail", "spark", "server", "--ip", "127.0.0.1", "--port", "0"]
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
        try:
            session = SparkSession.builder.remote(f"sc://{_address(process, Path(folder) / 'log')}").create()
            yield session, process.pid
            session.stop()  # a session whose engine is gone would wait for it at the end of the process
        finally:
            process.terminate()
            process.wait()


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if found := _ADDRESS.search(log.read_text(errors="replace")):
            return found[1]
        time.sleep(0.05)
    raise RuntimeError(log.read_text(errors="replace"))


def peaks(turns: Sequence[Turn]) -> float:
    """The highest peak of several turns, in GB."""
    return max(turn.peak_gb for turn in turns)


def _peak_gb(process: int | str) -> float:
    status = Path(f"/proc/{process}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) * 1024 / 1e9 if found else 0.0
