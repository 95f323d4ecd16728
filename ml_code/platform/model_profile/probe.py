"""Run by path in a process of its own: loads a model from a folder, predicts again and again, writes what it took.

Arguments: the model's folder, a Parquet file of input rows, a JSON file to write, and the batch sizes with the number
of repetitions of each, such as 1x40. It imports nothing of ours: what it measures is the model and MLflow alone.
"""

import json
import re
import resource
import sys
import time
from pathlib import Path

import mlflow.pyfunc
import pandas as pd


def main(model: str, rows: str, target: str, *batches: str) -> None:
    """Measure and write: seconds to load, milliseconds of every prediction by batch size, growth of memory in MB."""
    frame = pd.read_parquet(rows)
    before = _peak_mb(fresh=True)
    started = time.perf_counter()
    loaded = mlflow.pyfunc.load_model(model)
    load_seconds = time.perf_counter() - started
    latencies = {}
    for size, repetitions in (map(int, batch.split("x")) for batch in batches):
        taken = frame.iloc[:size]
        loaded.predict(taken)  # the first call also fills caches
        latencies[size] = [_milliseconds(loaded, taken) for _ in range(repetitions)]
    found = {"load_seconds": load_seconds, "latencies_ms": latencies, "memory_mb": max(_peak_mb() - before, 0.0)}
    Path(target).write_text(json.dumps(found), encoding="utf-8")


def _milliseconds(loaded: mlflow.pyfunc.PyFuncModel, rows: pd.DataFrame) -> float:
    started = time.perf_counter()
    loaded.predict(rows)
    return (time.perf_counter() - started) * 1000


def _peak_mb(fresh: bool = False) -> float:
    """High-water mark of resident memory; on Linux it begins anew where asked, at what is resident now."""
    try:
        if fresh:
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        # Not getrusage: its mark survives exec, so it would be that of the process that started this one.
        found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
        return int(found[1]) / 1024 if found else 0.0
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / 2**20 if sys.platform == "darwin" else peak / 1024


if __name__ == "__main__":
    main(*sys.argv[1:])
