"""Files below an artifact URI, wherever it points to."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlflow import MlflowClient

from ml_code.platform.marketplace.registry.artifacts import Artifacts, Found, below
from ml_code.platform.marketplace.registry.http import Missing, patient
from ml_code.platform.marketplace.registry.reading import Registry
from tests.ml_code.conftest import Place, Services

FILES = {"model/MLmodel": b"m", "model/data/w.bin": b"w" * 3_000_000, "models/a b/ü+&.txt": b"", "top.txt": b"t"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for path, content in FILES.items():
        file = tmp_path / "files" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return tmp_path / "files"


@pytest.fixture
def artifacts(services: Services) -> Artifacts:
    url = services.workspace.url
    return Artifacts(Registry.connect(url, retry=patient(3, backoff=0.01)).rest, url, url)


@pytest.fixture(params=["server", "path", "file", "mlflow"])
def root(request: pytest.FixtureRequest, folder: Path, place: Place, services: Services) -> str:
    """The same files: kept by the server, on this machine, and at an address that only MLflow can follow."""
    if request.param == "path":
        return str(folder)
    if request.param == "file":
        return folder.as_uri()
    client = MlflowClient()
    run = client.create_run(client.create_experiment(place.experiment))
    client.log_artifacts(run.info.run_id, str(folder))
    if request.param == "mlflow":
        return f"runs:/{run.info.run_id}"
    return str(run.info.artifact_uri)


def test_every_file_is_found_and_read(artifacts: Artifacts, root: str) -> None:
    found = artifacts.files(root)
    assert [file.path for file in found] == sorted(FILES)
    assert {file.path: b"".join(artifacts.read(file)) for file in found} == FILES


def test_a_folder_can_be_left_out(artifacts: Artifacts, root: str) -> None:
    assert [file.path for file in artifacts.files(root, without=f"{root}/model")] == ["models/a b/ü+&.txt", "top.txt"]
    assert len(artifacts.files(root, without="mlflow-artifacts:/elsewhere/model")) == len(FILES)


def test_a_file_that_is_gone_is_told(artifacts: Artifacts, folder: Path) -> None:
    with pytest.raises(Missing):
        list(artifacts.read(Found(str(folder), "gone.txt", 3)))
    assert artifacts.files(str(folder / "gone")) == []


def test_below() -> None:
    assert below("s3://b/run/artifacts", "s3://b/run/artifacts/model/") == "model"
    assert below("s3://b/run/artifacts", "s3://b/run/artifacts-2/model") is None
