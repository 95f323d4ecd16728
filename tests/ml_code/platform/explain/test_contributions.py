"""LightGBM's contributions against the shap package's own algorithm, and what is summed up from them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pytest
import shap

from ml_code.platform.explain import contributions as module
from ml_code.platform.explain.attributions import attributions
from ml_code.platform.explain.contributions import Floats, contributions
from ml_code.platform.explain.picture import draw
from ml_code.platform.explain.reasons import top_reasons

FEATURES = 6
NAMES = [f"f{number}" for number in range(FEATURES)]


def rows(seed: int = 0, count: int = 800) -> Floats:
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(count, FEATURES))
    matrix[:, 4] = 7  # constant
    matrix[rng.random(matrix.shape) < 0.05] = np.nan
    return matrix


def booster(objective: str, matrix: Floats) -> lightgbm.Booster:
    rng = np.random.default_rng(1)
    score = np.nan_to_num(matrix[:, 0]) - 2 * np.nan_to_num(matrix[:, 1]) + rng.normal(size=len(matrix))
    target = {"binary": score > 0, "regression": score, "multiclass": np.digitize(score, [-1, 1])}[objective]
    parameters: dict[str, Any] = {"objective": objective, "verbosity": -1, "num_threads": 1, "num_leaves": 9}
    if objective == "multiclass":
        parameters["num_class"] = 3
    return lightgbm.train(parameters, lightgbm.Dataset(matrix, np.asarray(target, dtype=float)), 20)


@pytest.mark.parametrize("objective", ["binary", "regression"])
def test_contributions_are_those_of_shap(objective: str) -> None:
    matrix = rows()
    fitted = booster(objective, matrix)
    explainer = shap.TreeExplainer(fitted)
    # Else shap would only ask LightGBM, as we do; this is its own algorithm.
    explainer.model.model_type = "internal"
    expected, values = contributions(fitted, matrix)
    np.testing.assert_allclose(values, explainer.shap_values(matrix, check_additivity=False), atol=1e-9)
    assert expected == pytest.approx(float(np.ravel(explainer.expected_value)[0]))


def test_every_class_has_its_contributions() -> None:
    matrix = rows()
    fitted = booster("multiclass", matrix)
    expected, values = contributions(fitted, matrix)
    assert values.shape == (len(matrix), FEATURES, 3)
    np.testing.assert_allclose(values, shap.TreeExplainer(fitted).shap_values(matrix), atol=1e-12)
    np.testing.assert_allclose(values.sum(axis=1) + expected, fitted.predict(matrix, raw_score=True), atol=1e-9)
    assert [found.expected for found in attributions(fitted, matrix, NAMES)] == pytest.approx(list(np.ravel(expected)))


def test_rows_in_chunks_are_rows_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = rows(count=50)
    fitted = booster("binary", rows())
    _, at_once = contributions(fitted, matrix)
    summed = attributions(fitted, matrix, NAMES)
    monkeypatch.setattr(module, "_VALUES_AT_A_TIME", 3 * (FEATURES + 1))
    _, in_chunks = contributions(fitted, matrix)
    np.testing.assert_array_equal(in_chunks, at_once)
    for one, other in zip(attributions(fitted, matrix, NAMES)[0].features, summed[0].features, strict=True):
        assert (one.feature, one.mean, one.share) == pytest.approx((other.feature, other.mean, other.share))
        assert one.direction == pytest.approx(other.direction)


def test_no_rows_have_no_contributions() -> None:
    expected, values = contributions(booster("binary", rows()), rows(count=0))
    assert np.isnan(expected)
    assert values.shape == (0, FEATURES)
    assert top_reasons(values, NAMES, 3) == []


def test_attributions_tell_strength_and_direction(tmp_path: Path) -> None:
    matrix = rows()
    fitted = booster("binary", matrix)
    _, values = contributions(fitted, matrix)
    (found,) = attributions(fitted, matrix, NAMES)
    by_name = {feature.feature: feature for feature in found.features}
    assert [feature.feature for feature in found.features[:2]] == ["f1", "f0"]
    assert sum(feature.share for feature in found.features) == pytest.approx(1)
    for number, name in enumerate(NAMES):
        there = np.isfinite(matrix[:, number])
        assert by_name[name].mean == pytest.approx(np.abs(values[:, number]).mean())
        if name != "f4":
            expected = np.corrcoef(matrix[there, number], values[there, number])[0, 1]
            assert by_name[name].direction == pytest.approx(expected)
    assert by_name["f4"].direction is None  # constant where it is not missing

    draw(tmp_path / "picture.png", found, NAMES, matrix, values, "log odds")
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


def test_reasons_raise_the_risk_and_come_strongest_first() -> None:
    values = np.array([[0.1, 0.5, -0.9], [-0.1, -0.2, -0.3]])
    assert top_reasons(values, ["a", "b", "c"], 3) == [["b", "a"], []]
    assert top_reasons(values, ["a", "b", "c"], 1) == [["b"], []]
    assert top_reasons(values, ["a", "b", "c"], 0) == [[], []]
