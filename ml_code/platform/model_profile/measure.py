"""What a model costs to run: latency, memory, size on disk and time to load, measured in a process of its own.

Loading a model runs the code inside it. Only versions of our own registry are profiled, which our own training runs
logged and which validation loads anyway; nothing from elsewhere is ever loaded here.
"""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ml_code.platform.errors import StepError
from ml_code.platform.model_profile import probe

BATCHES = {1: 40, 32: 40, 1000: 20}
"""Rows of a prediction, and how often it is repeated."""

_SECONDS = 300


@dataclass(frozen=True)
class Latency:
    """Milliseconds of a prediction through MLflow's pyfunc interface, by repetition."""

    median: float
    p95: float


@dataclass(frozen=True)
class ModelProfile:
    """What a version costs.

    `memory_mb` is the growth of the peak of resident memory from before the model was loaded; MLflow and pandas were
    imported already, the model's own libraries were not. `load_seconds` is from disk, without the download.
    """

    latency_ms: dict[int, Latency]
    memory_mb: float
    size_mb: float
    load_seconds: float

    def numbers(self) -> dict[str, float]:
        """What limits are held against: latencies are medians, a 95th percentile of few repetitions is mostly noise."""
        latencies = {f"latency_ms_{rows}": latency.median for rows, latency in self.latency_ms.items()}
        return latencies | {
            "memory_mb": self.memory_mb,
            "size_mb": self.size_mb,
            "load_seconds": self.load_seconds,
        }

    def tags(self) -> dict[str, str]:
        """As tags of a model version."""
        return {f"profile_{name}": f"{value:.4g}" for name, value in self.numbers().items()}


def measure(uri: str, rows: pd.DataFrame) -> ModelProfile:
    """Profile a registered version, `models:/<name>/<version>`, on input rows (repeated until they are enough).

    Raises StepError with what the model said when it cannot be loaded or does not take the rows.
    """
    import mlflow

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = Path(mlflow.artifacts.download_artifacts(uri, dst_path=str(folder)))
        enough = rows.iloc[np.arange(max(BATCHES)) % len(rows)].reset_index(drop=True)
        enough.to_parquet(folder / "rows.parquet")
        found = _probe(uri, model, folder)
        size = sum(path.stat().st_size for path in model.rglob("*") if path.is_file()) / 2**20
    latencies = {
        int(batch): Latency(float(np.median(taken)), float(np.quantile(taken, 0.95)))
        for batch, taken in found["latencies_ms"].items()
    }
    return ModelProfile(latencies, found["memory_mb"], size, found["load_seconds"])


def _probe(uri: str, model: Path, folder: Path) -> dict[str, Any]:
    result = folder / "profile.json"
    batches = [f"{rows}x{repetitions}" for rows, repetitions in BATCHES.items()]
    # -P: the probe's own folder is no place to import from.
    command = [
        sys.executable,
        "-P",
        str(probe.__file__),
        str(model),
        str(folder / "rows.parquet"),
        str(result),
        *batches,
    ]
    # A job's libraries may be on the path of this process only.
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise StepError(f"{uri}: profiling took more than {_SECONDS} s; is its model far larger than it was?") from None
    if done.returncode != 0:
        raise StepError(f"{uri} cannot be profiled: it does not load or predict by itself:\n{done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
    return found
