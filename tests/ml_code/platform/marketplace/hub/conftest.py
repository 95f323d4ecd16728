"""An archive filled by hand with exported versions, and the session's workspace as the hub that imports them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from urllib3.util.retry import Retry

from ml_code.platform.marketplace.archive.archive import Archive
from ml_code.platform.marketplace.hub.choice import Chosen
from ml_code.platform.marketplace.hub.importing import Imported, Rules, import_versions
from ml_code.platform.marketplace.manifest import LoggedModel, Manifest, Origin, Run, Version
from ml_code.platform.marketplace.registry.http import patient
from ml_code.platform.marketplace.registry.reading import Registry
from tests.ml_code.conftest import CATALOG, Place, Services

MLMODEL = """artifact_path: mlflow-artifacts:/7/models/m-0123/artifacts
flavors:
  python_function:
    loader_module: mlflow.pyfunc.model
    python_version: 3.11.9
mlflow_version: 2.22.0
model_id: m-0123
model_uuid: 5d0c
run_id: origin-run
utc_time_created: '2026-03-01 10:00:00.000000'
"""
STEPS = tuple((1 / (step + 1), step, 2_000 + step) for step in range(50))
NAMING = "{workspace}__{model}"


class Origins:
    """Exports of made-up workspaces: each call is one version, with manifest and files in the archive."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.archive = Archive.open(str(folder), create=True)

    def version(
        self,
        model: str,
        number: int,
        *,
        workspace: str = "dev01",
        weights: bytes | None = None,
        mlmodel: str | bytes = MLMODEL,
        run: str | None = "",
        logged: bool = True,
        exported: str = "2026-03-14T06:00:00.000000+00:00",
        artifacts: Mapping[str, bytes] | None = None,
        run_fields: Mapping[str, Any] | None = None,
        **fields: Any,
    ) -> Chosen:
        """`run` is the origin run's id, one of the version's own by default, None where it is gone there."""
        run_id = f"run-{model}-{number}" if run == "" else run
        weights = f"{workspace} {model} {number}".encode() if weights is None else weights
        files = {"MLmodel": mlmodel.encode() if isinstance(mlmodel, str) else mlmodel, "data/weights.bin": weights}
        beside = {"plots/roc.txt": b"curve"} if artifacts is None else dict(artifacts)
        put = self.archive.put
        manifest = Manifest(
            origin=Origin(workspace, "17", f"https://{workspace}.example", "unity_catalog", "3.17.2"),
            version=replace(_version(model, number, run_id), **fields),
            run=replace(_run(run_id), **(run_fields or {})) if run_id else None,
            logged_model=_logged(run_id, number) if logged else None,
            model_files=tuple(put(path, [content]) for path, content in sorted(files.items())),
            artifacts=tuple(put(path, [content]) for path, content in sorted(beside.items())) if run_id else (),
            signature=None,
            flavors=("python_function",),
            lineage={},
            permissions=(),
        )
        return self.chosen(manifest, exported)

    def chosen(self, manifest: Manifest, exported: str) -> Chosen:
        committed = self.archive.commit(manifest)
        version = manifest.version
        return Chosen(
            manifest.origin.workspace, version.model, version.version, committed.path, committed.sha256,
            manifest.size, exported,
        )  # fmt: skip

    def damage(self, chosen: Chosen, path: str) -> None:
        """One byte of the file changes where it is stored."""
        manifest = self.archive.manifest(chosen.manifest)
        file = next(each for each in (*manifest.model_files, *manifest.artifacts) if each.path == path)
        [stored] = self.folder.rglob(f"{file.chunks[0]}*")
        content = bytearray(stored.read_bytes())
        content[-1] ^= 1
        stored.write_bytes(bytes(content))


class Hub:
    """The session's workspace, its Unity Catalog unless told otherwise."""

    def __init__(self, place: Place, services: Services, origins: Origins) -> None:
        self.url = services.workspace.url
        self.place = f"{CATALOG}.{place.schema}"
        self.origins = origins
        self.client = MlflowClient()

    def registry(self, kind: str = "unity_catalog", url: str | None = None, retry: Retry | None = None) -> Registry:
        return Registry.connect(url or self.url, kind, retry=retry or patient(3, backoff=0.01))

    def take(self, chosen: Sequence[Chosen], registry: Registry | None = None, **rules: Any) -> list[Imported]:
        registry = registry or self.registry()
        place = self.place if registry.kind == "unity_catalog" else None
        rules = {"naming": NAMING, "place": place, "concurrency": 4, **rules}
        return import_versions(self.origins.archive, registry, chosen, Rules(**rules))

    def name(self, model: str, workspace: str = "dev01") -> str:
        return f"{self.place}.{workspace}__{model}"

    def versions(self, name: str) -> list[Any]:
        """By number, as MLflow's own client tells them."""
        found = self.client.search_model_versions(f"name='{name}'")
        return sorted((self.client.get_model_version(name, each.version) for each in found), key=_number)

    def file(self, version: Any, path: str, folder: Path) -> bytes:
        """A file of the version, fetched by MLflow."""
        import mlflow

        uri = f"models:/{version.name}/{version.version}/{path}"
        return Path(mlflow.artifacts.download_artifacts(uri, dst_path=str(folder))).read_bytes()

    def runs(self, origin_run: str, workspace: str = "dev01") -> list[Any]:
        """Runs that came from one of a workspace."""
        experiments = [each.experiment_id for each in self.client.search_experiments()]
        return list(self.client.search_runs(experiments, f"tags.`marketplace.run` = '{workspace}/{origin_run}'"))


def _number(version: Any) -> int:
    return int(version.version)


def _version(model: str, number: int, run_id: str | None) -> Version:
    return Version(
        model=model,
        version=number,
        description=f"the {number}th",
        model_description=f"about {model}",
        model_tags={"team": "births"},
        tags={"reviewed": "yes"},
        aliases=(),
        stage=None,
        created=1_770_000_000_000,
        run_id=run_id,
        model_id=f"m-{number:04}",
    )


def _run(run_id: str) -> Run:
    return Run(
        run_id=run_id,
        name="training",
        status="FINISHED",
        start=1_000,
        end=9_000,
        user="ann",
        params={"depth": "3", "rate": "0.1"},
        tags={"team": "births", "mlflow.runName": "training", "mlflow.parentRunId": "elsewhere"},
        metrics={"loss": STEPS, "odd": ((math.nan, 0, 5), (math.inf, 1, 6))},
        inputs=(
            {"name": "births", "digest": "d1", "source_type": "local", "source": "{}", "schema": None,
             "profile": '{"rows": 5}', "tags": {"context": "training"}},
        ),
        experiment_id="7",
        experiment="/Users/ann/births",
        experiment_tags={"team": "births", "mlflow.ownerId": "1"},
    )  # fmt: skip


def _logged(run_id: str | None, number: int) -> LoggedModel:
    accuracy = {"key": "accuracy", "value": 0.9, "step": 0, "timestamp": 8_000, "run_id": run_id}
    data = {"dataset_name": "births", "dataset_digest": "d1"}
    return LoggedModel(
        model_id=f"m-{number:04}",
        name="model",
        params={"depth": "3"},
        tags={"mlflow.modelVersions": "[]", "team": "births"},
        metrics=({**accuracy, **data},) if run_id else (),
    )


@pytest.fixture
def origins(tmp_path: Path) -> Origins:
    return Origins(tmp_path / "archive")


@pytest.fixture
def hub(place: Place, services: Services, origins: Origins) -> Hub:
    return Hub(place, services, origins)
