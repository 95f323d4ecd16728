"""Models to export: small ones, made by MLflow's client on the session's workspace."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, LoggedModelStatus, Metric, Param, RunTag

from ml_code.platform.marketplace.archive.archive import Archive
from ml_code.platform.marketplace.export.export import Order, export
from ml_code.platform.marketplace.export.outcome import Report
from ml_code.platform.marketplace.export.pace import Pace
from ml_code.platform.marketplace.manifest import Origin
from ml_code.platform.marketplace.registry.http import patient
from ml_code.platform.marketplace.registry.reading import Registry
from tests.ml_code.conftest import CATALOG, Place, Services

DAY = date(2026, 3, 14)
MLMODEL = """artifact_path: model
flavors:
  python_function: {loader_module: mlflow.pyfunc.model, python_version: 3.11.9}
  sklearn: {sklearn_version: 1.6.0}
signature:
  inputs: '[{"type": "double", "name": "age", "required": true}]'
  outputs: '[{"type": "double", "required": true}]'
  params: null
"""
Files = Mapping[str, bytes]


class Content:
    """Makes runs and versions in a schema of its own; `name` gives a full model name there."""

    def __init__(self, place: Place) -> None:
        self.client = MlflowClient()
        self.schema = place.schema
        self.experiment = self.client.create_experiment(f"/Shared/{place.schema}", tags={"team": "births"})

    def name(self, short: str) -> str:
        return f"{CATALOG}.{self.schema}.{short}"

    def run(self, files: Files | None = None, **tags: str) -> str:
        """A run with parameters, 50 steps of a metric, a dataset and files."""
        run_id = str(self.client.create_run(self.experiment, 1_000, run_name="training").info.run_id)
        steps = [Metric("loss", 1 / (step + 1), 2_000 + step, step) for step in range(50)]
        self.client.log_batch(run_id, steps, [Param("depth", "3")], [RunTag(key, value) for key, value in tags.items()])
        data = Dataset("births", "d1", "local", '{"uri": "births.csv"}', '{"x": 1}', '{"rows": 5}')
        self.client.log_inputs(run_id, [DatasetInput(data, [InputTag("context", "training")])])
        self._files(files or {}, lambda folder: self.client.log_artifacts(run_id, folder))
        self.client.set_terminated(run_id, end_time=9_000)
        return run_id

    def logged(self, run_id: str, weights: bytes, name: str = "model") -> str:
        """A logged model of MLflow 3; its id."""
        model = self.client.create_logged_model(self.experiment, name, run_id, params={"depth": "3"})
        files = {"MLmodel": MLMODEL.encode(), "weights.bin": weights, "extra/notes.txt": b"as trained"}
        self._files(files, lambda folder: self.client.log_model_artifacts(model.model_id, folder))
        self.client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
        return str(model.model_id)

    def version(self, model: str, *, run_id: str | None = None, logged: str | None = None, **options: Any) -> int:
        """A version of a model, which is made if there is none; of a run and logged model of its own by default."""
        if run_id is None:
            run_id = self.run({"plots/roc.txt": b"curve"})
        if logged is None and "source" not in options:
            logged = self.logged(run_id, f"weights of {run_id}".encode())
        try:
            self.client.create_registered_model(model, {"owner": "room"}, f"about {model}")
        except mlflow.MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        options = {"source": f"models:/{logged}", "model_id": logged, **options}
        return int(self.client.create_model_version(model, run_id=run_id, **options).version)

    def champion(self, model: str, **options: Any) -> int:
        """A version that is in production."""
        number = self.version(model, **options)
        self.client.set_registered_model_alias(model, "champion", str(number))
        return number

    def description(self, model: str, version: int) -> str:
        return str(self.client.get_model_version(model, str(version)).description)

    def _files(self, files: Files, log: Callable[[str], None]) -> None:
        if not files:
            return
        with tempfile.TemporaryDirectory() as folder:
            for path, content in files.items():
                file = Path(folder) / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
            log(folder)


class Exports:
    """Exports of one schema's models into an archive of the test's own."""

    def __init__(self, place: Place, services: Services, folder: Path) -> None:
        self.url = services.workspace.url
        self.folder = folder
        self.archive = Archive.open(str(folder), create=True)
        self.pattern = f"{CATALOG}.{place.schema}.*"
        self.schema = place.schema

    def __call__(self, url: str | None = None, registry: str = "unity_catalog", **options: Any) -> Report:
        say = options.pop("say", lambda line: None)
        order = self.order(**options)
        return export(self.registry(url, registry), self.archive, order, Pace(4), say=say)

    def registry(self, url: str | None = None, registry: str = "unity_catalog") -> Registry:
        return Registry.connect(url or self.url, registry, retry=patient(4, backoff=0.01))

    def order(self, **options: Any) -> Order:
        origin = Origin("dev01", "17", "https://dev01.example", "unity_catalog", "3.17")
        return Order(**{"origin": origin, "day": DAY, "run_id": "5", "patterns": (self.pattern,), **options})

    def rows(self, status: str = "exported") -> list[dict[str, Any]]:
        table = self.archive.exports(["dev01"], date.min, date.max)
        return [row for row in table.to_pylist() if row["status"] == status]


@pytest.fixture
def content(place: Place) -> Content:
    return Content(place)


@pytest.fixture
def exports(place: Place, services: Services, tmp_path: Path) -> Exports:
    return Exports(place, services, tmp_path / "archive")
