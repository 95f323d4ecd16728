"""The gate and the training it decides about, against a real workspace and a real Spark engine."""

from __future__ import annotations

import datetime
import shutil
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.artifacts import load_dict

from ml_code.platform.data_checks.comparison import GateVerdict
from ml_code.platform.errors import ConfigurationError, StepError
from ml_code.platform.registry.last_training import PICTURE, PROFILE, last_training
from ml_code.platform.registry.provenance import code_digest
from ml_code.platform.volumes import Volume
from ml_code.projects.hrob import features, gate, halt, ingest, train
from ml_code.projects.hrob.generator import Population, births
from ml_code.projects.hrob.land import in_file_order
from tests.ml_code.conftest import ROOT, Place

DAY = datetime.date(2026, 6, 30)
LATER = DAY + datetime.timedelta(days=1)
FIRST = Population(members=4_000, first_day=datetime.date(2026, 1, 1), days=60)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "ml_code", tmp_path / "checkout/ml_code")
    return tmp_path / "checkout"


def land(place: Place, root: Path, name: str, population: Population, day: datetime.date) -> None:
    context = place.context("hrob.ingest", day, root)
    rows = in_file_order(births(population).to_pandas())
    rows["birth_id"] += name  # members of two populations have the same numbers
    content = rows.to_csv(index=False).encode()
    Volume(context.workspace, context.volume("landing")).write(name, content)
    ingest.run(context)
    features.run(context)


def judge(place: Place, root: Path, day: datetime.date = DAY, **parameters: Any) -> GateVerdict:
    return gate.run(place.context("hrob.gate", day, root), model=place.model, **parameters)


def test_the_gate_decides_by_the_last_training(place: Place, root: Path) -> None:
    land(place, root, "generated-1.csv", FIRST, DAY)
    assert judge(place, root).decision == "train"

    trained = train.run(
        place.context("hrob.train", DAY, root),
        model=place.model,
        experiment=place.experiment,
        trials=1,
        retraining="drift-2026-06-30",
    )
    client = MlflowClient()
    run = client.get_run(trained.run_id)
    kept = last_training(place.model)
    assert kept is not None
    assert (kept.version, kept.date, kept.code_digest) == (1, DAY, code_digest(root))
    assert kept.profile.digest == run.data.tags["data_digest"]
    assert kept.profile.rows == int(run.data.tags["data_rows"])
    assert run.data.tags["retraining"] == "drift-2026-06-30"
    assert client.get_model_version(place.model, "1").tags["retraining"] == "drift-2026-06-30"
    assert {PROFILE, PICTURE} <= {file.path for file in client.list_artifacts(trained.run_id, "data")}
    assert not any("birth_id" in column["name"] for column in load_dict(f"runs:/{trained.run_id}/{PROFILE}")["columns"])

    assert judge(place, root) == GateVerdict("skip", ("neither data nor code changed since v1 of 2026-06-30",))
    assert judge(place, root, when_unchanged="train").decision == "train"
    stopped = judge(place, root, datetime.date(2026, 3, 1))
    assert stopped.decision == "stop"
    assert "less than 50% of the last training set's" in stopped.reasons[0]

    (root / "ml_code/projects/hrob/halt.py").write_text("# another way to end\n")
    assert judge(place, root).reasons == ("the code changed since v1 of 2026-06-30",)
    shutil.copy(ROOT / "ml_code/projects/hrob/halt.py", root / "ml_code/projects/hrob/halt.py")

    more = Population(members=500, first_day=datetime.date(2026, 2, 1), days=20, seed=77)
    land(place, root, "generated-2.csv", more, LATER)
    grown = judge(place, root, LATER)
    assert grown.decision == "train"
    assert any("500 new or corrected rows beside 4000" in reason for reason in grown.reasons)


def test_wrong_parameters_are_said(place: Place, root: Path) -> None:
    with pytest.raises(ConfigurationError, match="data_limits: rows: unknown key"):
        judge(place, root, data_limits='{"rows": 3}')
    with pytest.raises(StepError, match="expected train or skip, found 'never'"):
        judge(place, root, when_unchanged="never")
    with pytest.raises(StepError, match="there is no table"):
        judge(place, root)


def test_halt_says_what_to_do(place: Place, root: Path) -> None:
    with pytest.raises(StepError, match=r"nothing was trained: .*data_gate\.limits"):
        halt.run(place.context("hrob.halt", DAY, root))


def test_the_code_digest_is_of_the_content_alone(root: Path) -> None:
    digest = code_digest(root)
    path = root / "ml_code/run.py"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    (root / "ml_code/__pycache__").mkdir(exist_ok=True)
    (root / "ml_code/__pycache__/run.pyc").write_bytes(b"compiled")
    assert code_digest(root) == digest == code_digest(ROOT)
    path.rename(root / "ml_code/walk.py")
    assert code_digest(root) != digest
