"""Contributions of 100,000 rows x 500 features; the peer is `shap.TreeExplainer(booster).shap_values(rows)`.

Both explain the same booster (50 rounds, 31 leaves, fitted on 50,000 of the rows) on the same matrix in memory, each in
a process of its own; loading both is off the clock. The shap package hands a LightGBM model back to LightGBM, so the
peer's time is LightGBM's too, and equality with it proves little. So the first rows are explained by shap's own
algorithm as well (`independent_rows`), and ours must equal both within 1e-6.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.harness import Row, alternate, compared
from tests.benchmarks.members import Turn, in_process, peaks, told

ROWS = int(os.environ.get("BENCHMARK_ROWS", "100000"))
"""Fewer for a trial: BENCHMARK_ROWS=5000 make bench ONLY=explain."""

FEATURES = 500
NOTE = """No speed was set as a goal: both end in the same function of LightGBM, and what is ours is that memory beside
the result stays bounded, because rows go through it in chunks. `within_1e_6` is checked on every run of the benchmark
against the peer on all rows and against shap's own algorithm on the first ones."""
_MODULE = "tests.benchmarks.explain"
_CLOSE = 1e-6
_TRAINED_ON, _INDEPENDENT = 50_000, 2_000
_PARAMETERS = {"learning_rate": 0.05, "num_leaves": 31, "min_data_in_leaf": 50}


def measure() -> Row:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        in_process(_MODULE, "fit", name)
        turns: dict[str, list[Turn]] = {"ours": [], "peer": []}

        def speed(side: str) -> float:
            turns[side].append(in_process(_MODULE, side, name))
            return ROWS / turns[side][-1].seconds

        mine, theirs = alternate(lambda: speed("ours"), lambda: speed("peer"))
        in_process(_MODULE, "independent", name)
        difference = _difference(folder)
        independent = json.loads((folder / "independent.json").read_text())
    if max(difference, independent["difference"]) > _CLOSE:
        raise AssertionError(f"contributions differ: {difference:g} from the peer, {independent}")
    return compared(
        "explain", "rows/s", mine, theirs,
        rows=ROWS, within_1e_6=True, difference=difference, independent_difference=independent["difference"],
        independent_rows=independent["rows"], independent_rows_s=independent["speed"],
        peak_gb=peaks(turns["ours"]), peer_peak_gb=peaks(turns["peer"]),
    )  # fmt: skip


def fit_booster(folder: Path) -> None:
    """Makes the rows, fits on the first of them and keeps both."""
    from ml_code.platform.training.booster import Rows, fit

    started = time.perf_counter()
    rng = np.random.default_rng(7)
    matrix = rng.standard_normal((ROWS, FEATURES))
    matrix[rng.random((ROWS, FEATURES)) < 0.02] = np.nan
    signal = np.nan_to_num(matrix[:, :40]) @ rng.normal(0, 0.5, 40) - 2
    outcome = (rng.random(ROWS) < 1 / (1 + np.exp(-signal))).astype(np.float64)
    some = slice(0, min(_TRAINED_ON, ROWS))
    names = tuple(f"f{number:03d}" for number in range(FEATURES))
    fitted = fit(names, Rows(matrix[some], outcome[some]), _PARAMETERS, rounds=50, seed=1, threads=2)
    (folder / "booster.txt").write_text(fitted.text())
    np.save(folder / "matrix.npy", matrix)
    told(time.perf_counter() - started)


def explain_ours(folder: Path) -> None:
    from ml_code.platform.explain.contributions import contributions

    booster, matrix = _load(folder)
    started = time.perf_counter()
    _, values = contributions(booster, matrix)
    told(time.perf_counter() - started)
    np.save(folder / "ours.npy", values)


def explain_peer(folder: Path) -> None:
    import shap

    booster, matrix = _load(folder)
    started = time.perf_counter()
    values = shap.TreeExplainer(booster).shap_values(matrix)
    told(time.perf_counter() - started)
    np.save(folder / "peer.npy", values)


def explain_independently(folder: Path) -> None:
    """By shap's own algorithm, on the first rows: it has one thread and would take minutes for all."""
    import shap

    booster, matrix = _load(folder)
    some = matrix[:_INDEPENDENT]
    explainer = shap.TreeExplainer(booster)
    explainer.model.model_type = "internal"
    started = time.perf_counter()
    values = explainer.shap_values(some, check_additivity=False)
    taken = time.perf_counter() - started
    ours = np.load(folder / "ours.npy", mmap_mode="r")[: len(some)]
    found = {"rows": len(some), "difference": float(np.abs(values - ours).max()), "speed": round(len(some) / taken)}
    (folder / "independent.json").write_text(json.dumps(found))
    told(taken)


def _load(folder: Path) -> tuple[Any, np.ndarray]:
    import lightgbm

    return lightgbm.Booster(model_file=str(folder / "booster.txt")), np.load(folder / "matrix.npy")


def _difference(folder: Path) -> float:
    ours, peer = (np.load(folder / f"{side}.npy", mmap_mode="r") for side in ("ours", "peer"))
    if ours.shape != peer.shape:
        raise AssertionError(f"{ours.shape} contributions, the peer has {peer.shape}")
    starts = range(0, len(ours), 10_000)
    return max(float(np.abs(ours[start : start + 10_000] - peer[start : start + 10_000]).max()) for start in starts)


if __name__ == "__main__":
    sides = {"fit": fit_booster, "ours": explain_ours, "peer": explain_peer, "independent": explain_independently}
    sides[sys.argv[1]](Path(sys.argv[2]))
