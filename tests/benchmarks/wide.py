"""The wide table that the benchmarks `drift` and `gate` work on, and the turns of ours and of evidently on it.

100 columns: 80 of numbers (normal, skewed, rounded to hundredths, whole) and 20 of texts (5 to 100 categories); a
fifth of either has 5 % nulls. As one Parquet file in row groups of at most 250,000 rows. Every turn is a process of
its own; its clock starts once its libraries are imported, its peak is the kernel's high-water mark of memory.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.benchmarks.members import Turn
from tests.support.peers import run_peer

ROWS = int(os.environ.get("BENCHMARK_ROWS", "1000000"))
"""Fewer for a trial: BENCHMARK_ROWS=100000 make bench ONLY=drift."""
NUMBERS = tuple(f"n{index:02d}" for index in range(80))
TEXTS = tuple(f"c{index:02d}" for index in range(20))
_GROUP = 250_000
_PEER = Path(__file__).parents[2] / "tests/peers/evidently/presets.py"
_PATIENCE_SECONDS = 3 * 3600


def write_table(path: Path, rows: int, seed: int, moved: float) -> Path:
    """`moved` shifts the numbers and tilts the shares of the texts."""
    with pq.ParquetWriter(path, next(_groups(1, seed, moved)).schema) as writer:
        for group in _groups(rows, seed, moved):
            writer.write_table(group)
    return path


def peer_turn(what: str, *arguments: str) -> Turn:
    """One run of an evidently preset (`drift` or `summary`)."""
    told = run_peer("evidently", str(_PEER), what, *arguments, timeout=_PATIENCE_SECONDS)
    return Turn(**json.loads(told.splitlines()[-1]))


def _groups(rows: int, seed: int, moved: float) -> Iterator[pa.Table]:
    rng = np.random.default_rng(seed)
    for start in range(0, rows, _GROUP):
        many = min(_GROUP, rows - start)
        columns = {name: _numbers(rng, index, many, moved) for index, name in enumerate(NUMBERS)}
        columns |= {name: _texts(rng, index, many, moved) for index, name in enumerate(TEXTS)}
        yield pa.table(columns)


def _numbers(rng: np.random.Generator, index: int, rows: int, moved: float) -> pa.Array:
    match index % 4:
        case 0:
            values = rng.normal(moved, 1, rows)
        case 1:
            values = rng.gamma(2, 1 + moved, rows)
        case 2:
            values = np.round(rng.normal(10 + moved, 3, rows), 2)
        case _:
            values = rng.poisson(20 * (1 + moved), rows)
    return pa.array(values, mask=_nulls(rng, index, rows))


def _texts(rng: np.random.Generator, index: int, rows: int, moved: float) -> pa.Array:
    categories = 5 * (index + 1)
    drawn = (rng.random(rows) ** (1 + moved) * categories).astype(np.int32)
    names = pa.array([f"category {number}" for number in range(categories)])
    return names.take(pa.array(drawn, mask=_nulls(rng, index, rows)))


def _nulls(rng: np.random.Generator, index: int, rows: int) -> np.ndarray | None:
    return rng.random(rows) < 0.05 if index % 5 == 0 else None
