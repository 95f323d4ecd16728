"""The profile of a model that is really logged and loaded, and limits on it."""

from __future__ import annotations

import json
from pathlib import Path

import lightgbm
import mlflow
import numpy as np
import pandas as pd
import pytest

from ml_code.platform.errors import StepError
from ml_code.platform.model_profile import limits
from ml_code.platform.model_profile.measure import BATCHES, Latency, ModelProfile, measure
from ml_code.platform.registry import risk_model

ROWS = pd.DataFrame({"a": [0.0, 1.0, np.nan], "b": [2.0, 1.0, 0.0]})
PROFILE = ModelProfile({1: Latency(2.0, 9.0), 32: Latency(3.0, 4.0), 1000: Latency(10.0, 12.0)}, 80.0, 1.5, 0.7)


def saved_model(folder: Path) -> Path:
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(200, 2))
    data = lightgbm.Dataset(matrix, (matrix[:, 0] > 0).astype(float), feature_name=["a", "b"])
    booster = lightgbm.train({"objective": "binary", "verbosity": -1}, data, 5)
    artifacts = {"booster": folder / "booster.txt", "preparation": folder / "preparation.json"}
    artifacts["booster"].write_text(booster.model_to_string())
    artifacts["preparation"].write_text(json.dumps({"features": ["a", "b"], "fill": {}}))
    mlflow.pyfunc.save_model(
        folder / "model",
        python_model=str(risk_model.__file__),
        artifacts={name: str(path) for name, path in artifacts.items()},
        pip_requirements=["mlflow"],
    )
    return folder / "model"


def test_a_model_is_measured_by_itself(tmp_path: Path) -> None:
    model = saved_model(tmp_path)
    found = measure(str(model), ROWS)
    assert set(found.latency_ms) == set(BATCHES)
    assert all(0 < latency.median <= latency.p95 for latency in found.latency_ms.values())
    assert found.load_seconds > 0
    assert found.memory_mb > 1  # lightgbm itself is loaded with it
    assert found.size_mb == pytest.approx(sum(p.stat().st_size for p in model.rglob("*") if p.is_file()) / 2**20)
    assert set(found.tags()) == {f"profile_{name}" for name in limits.LIMITS}

    (model / "artifacts" / "booster.txt").write_text("tree\nbroken")
    with pytest.raises(StepError, match=r"cannot be profiled: it does not load or predict by itself:\n"):
        measure(str(model), ROWS)


def test_limits_are_held_against_the_measures() -> None:
    found = {
        finding.name: finding.outcome
        for finding in limits.findings({"latency_ms_1": 2.0, "latency_ms_1000": 9.9, "size_mb": 2}, PROFILE)
    }
    # 2 ms are allowed and are the median, whatever the 95th percentile says.
    assert found == {"profile.latency_ms_1": "met", "profile.latency_ms_1000": "missed", "profile.size_mb": "met"}


def test_a_limit_that_does_not_exist_is_said() -> None:
    assert limits.read_limits('{"memory_mb": 100}') == {"memory_mb": 100.0}
    with pytest.raises(StepError, match=r"--model_limits: unknown latency_ms_2; expected some of latency_ms_1, "):
        limits.read_limits('{"latency_ms_2": 1}')
    with pytest.raises(StepError, match=r"--model_limits\.memory_mb: expected a number from 0 on, found '1 GB'"):
        limits.read_limits('{"memory_mb": "1 GB"}')
