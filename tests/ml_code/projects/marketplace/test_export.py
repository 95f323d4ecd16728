"""The step as a job runs it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import pytest
from databricks.sdk.service.catalog import PermissionsChange, Privilege
from mlflow import MlflowClient

from ml_code.platform.errors import StepError
from ml_code.platform.marketplace.archive.archive import Archive
from ml_code.platform.marketplace.export.outcome import Report
from ml_code.platform.steps import read_manifest
from tests.ml_code.conftest import ROOT, Place

DAY = "2026-03-14"
Step = Callable[..., Report | None]


@pytest.fixture
def step(place: Place, tmp_path: Path) -> Step:
    def run(models: str, **options: str) -> Report | None:
        given = {
            "environment": "dev", "catalog": "c", "schema": place.schema, "date": DAY, "workspace": "dev01",
            "archive": str(tmp_path / "archive"), "models": models, **options,
        }  # fmt: skip
        argv = [part for key, value in given.items() for part in (f"--{key}", value)]
        named, parameters = read_manifest(ROOT).parse(["marketplace.export", *argv])
        found: Any = named.call(place.context("marketplace.export", DAY, run_id="77"), parameters)
        return found if found is None else _report(found)

    return run


def test_the_step_exports_a_real_model_with_its_grants(
    place: Place, step: Step, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = champion(place)
    change = PermissionsChange(principal="account users", add=[Privilege.EXECUTE])
    place.client.grants.update("function", model, changes=[change])

    report = step(model, dry_run="true")
    assert report is None
    assert "1 of 1 would be exported" in capsys.readouterr().out
    assert not (tmp_path / "archive").exists()

    report = step(model)
    assert report is not None
    assert (report.counts["exported"], report.requests < 30) == (1, True)
    archive = Archive.open(str(tmp_path / "archive"))
    (path,) = archive.manifests("dev01", model)
    manifest = archive.manifest(path)
    assert {"principal": "account users", "levels": ["EXECUTE"]} in manifest.permissions
    assert manifest.origin.workspace_id == str(place.client.get_workspace_id())
    assert (manifest.origin.host, manifest.origin.mlflow) == (place.client.config.host, mlflow.__version__)
    assert manifest.flavors == ("python_function",)
    assert manifest.signature is not None
    assert "1 exported" in capsys.readouterr().out


def test_the_step_fails_with_the_reasons(place: Place, step: Step) -> None:
    model, client = place.model, MlflowClient()
    run = client.create_run(client.create_experiment(place.experiment))
    client.create_registered_model(model)
    client.create_model_version(model, f"runs:/{run.info.run_id}/nothing", run.info.run_id)
    client.set_registered_model_alias(model, "champion", "1")
    with pytest.raises(StepError, match=r"1 of 1 models need a look:\n.* v1: no MLmodel at"):
        step(model)


def test_the_step_refuses_words_that_it_does_not_know(step: Step) -> None:
    with pytest.raises(StepError, match="production"):
        step("*", versions="newest")


class Doubler(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # mlflow is not typed
    def predict(self, context: Any, model_input: list[float]) -> list[float]:
        return [2 * value for value in model_input]


def champion(place: Place) -> str:
    """A model of MLflow's own making, in production."""
    mlflow.set_experiment(place.experiment)
    with mlflow.start_run():
        mlflow.log_metric("loss", 0.5, step=3)
        mlflow.pyfunc.log_model(
            name="model", python_model=Doubler(), registered_model_name=place.model, pip_requirements=["mlflow"]
        )
    MlflowClient().set_registered_model_alias(place.model, "champion", "1")
    return place.model


def _report(found: Any) -> Report:
    assert isinstance(found, Report)
    return found
