from __future__ import annotations

import json
import shutil
from pathlib import Path

import mlflow
import numpy as np
import pyarrow as pa
import pytest

from ml_code.platform.features.mappings import read_mappings
from ml_code.platform.features.preparation import Preparation
from ml_code.platform.registry import risk_model
from ml_code.platform.registry.examples import signature, synthetic_rows
from ml_code.platform.scoring import Banding, Scorer
from ml_code.platform.training.booster import Fitted, Rows, fit
from ml_code.projects.hrob.configuration import FOLDER
from tests.ml_code.conftest import ROOT

NAMES = ("x", "y", "z")
PREPARATION = Preparation(NAMES, {"y": 0.5})
BANDING = Banding(("high", "raised", "low"), (0.6, 0.3, 0.0), 2, frozenset({"high", "raised"}))


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    rng = np.random.default_rng(0)
    matrix = rng.random((2000, 3))
    outcome = (rng.random(2000) < matrix[:, 0] ** 2 * (0.5 + matrix[:, 1])).astype(float)
    return fit(NAMES, Rows(matrix, outcome), {"num_leaves": 7}, rounds=40, seed=1, threads=1)


def batch(rows: int = 300) -> pa.RecordBatch:
    rng = np.random.default_rng(1)
    values = rng.random((3, rows))
    columns = [pa.array(values[0]), pa.array(values[1], mask=rng.random(rows) < 0.2), pa.array(values[2])]
    return pa.RecordBatch.from_arrays([pa.array([f"b{n}" for n in range(rows)]), *columns], ["id", *NAMES])


def scorer(fitted: Fitted) -> Scorer:
    return Scorer(fitted.text(), PREPARATION, ["much x", "much y", "much z"], BANDING)


def test_risk_is_the_boosters_own(fitted: Fitted) -> None:
    rows = batch()
    risk, _, _ = scorer(fitted).batch(rows)
    matrix = rows.to_pandas()[list(NAMES)].fillna({"y": 0.5}).to_numpy()
    assert np.array_equal(risk.to_numpy(), fitted.booster.predict(matrix))


def test_bands_begin_where_they_say(fitted: Fitted) -> None:
    risk, band, _ = scorer(fitted).batch(batch())
    values = risk.to_numpy()
    expected = np.where(values >= 0.6, "high", np.where(values >= 0.3, "raised", "low"))
    assert band.to_pylist() == expected.tolist()
    assert set(expected) == {"high", "raised", "low"}
    assert [BANDING.names[i] for i in BANDING.bands(np.array([0.0, 0.3, 0.6, 1.0]))] == [
        "low",
        "raised",
        "high",
        "high",
    ]


def test_reasons_are_the_strongest_contributions_that_raise_the_risk(fitted: Fitted) -> None:
    rows = batch()
    _, band, reasons = scorer(fitted).batch(rows)
    contributions = fitted.booster.predict(PREPARATION.matrix(rows), pred_contrib=True)[:, :3]
    words = ["much x", "much y", "much z"]
    for row, (name, found) in enumerate(zip(band.to_pylist(), reasons.to_pylist(), strict=True)):
        ranked = [words[i] for i in np.argsort(-contributions[row], kind="stable") if contributions[row][i] > 0]
        assert found == ([] if name == "low" else ranked[:2])


def test_batches_keep_their_rows_and_skip_empty_ones(fitted: Fitted) -> None:
    rows = batch()
    parts = [rows.slice(0, 100), rows.slice(0, 0), rows.slice(100)]
    scored = pa.Table.from_batches(list(scorer(fitted).batches(["id"])(iter(parts))))
    assert scored.column_names == ["id", "risk", "band", "reasons"]
    assert scored.column("id").to_pylist() == rows.column("id").to_pylist()
    assert np.array_equal(scored.column("risk").to_numpy(), scorer(fitted).batch(rows)[0].to_numpy())


def test_the_logged_model_predicts_as_the_scorer_does(fitted: Fitted, tmp_path: Path) -> None:
    (tmp_path / "booster.txt").write_text(fitted.text())
    (tmp_path / "preparation.json").write_text(json.dumps(PREPARATION.as_dict()))
    path = tmp_path / "model"
    mlflow.pyfunc.save_model(
        path,
        python_model=str(risk_model.__file__),
        artifacts={"booster": str(tmp_path / "booster.txt"), "preparation": str(tmp_path / "preparation.json")},
        signature=signature(NAMES),
        pip_requirements=["lightgbm"],
    )
    rows = batch()
    loaded = mlflow.pyfunc.load_model(str(path))
    frame = rows.to_pandas()[list(NAMES)]
    assert np.array_equal(loaded.predict(frame), scorer(fitted).batch(rows)[0].to_numpy())
    assert frame["y"].isna().any(), "predicting changes nothing of what it was given"
    assert "ml_code" not in "".join(p.read_text() for p in path.rglob("risk_model.py")).replace('"""', "")
    shutil.rmtree(path)


def test_the_input_example_comes_from_the_declared_ranges() -> None:
    mappings = read_mappings(ROOT / FOLDER / "feature_mappings.yml")
    example = synthetic_rows(mappings, list(mappings.features), rows=200)
    for name, feature in mappings.features.items():
        assert example[name].between(feature.low, feature.high).all()
    assert example.equals(synthetic_rows(mappings, list(mappings.features), rows=200))
