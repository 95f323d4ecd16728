"""Fills an MLflow server with registered models; runs under any MLflow from 2.22 on, with nothing of ours.

    python marketplace_content.py <tracking uri> ordinary <models> <versions>
    python marketplace_content.py <tracking uri> special

`ordinary`: every version has a run of its own with 50 steps of two metrics, five artifacts and a random forest. Even
models are small (about 30 kB of artifacts a version), odd ones large (about 2 MB). Nothing is shared between versions,
so that nothing is gained by storing the same content once. `special`: the cases that tools like this one got wrong.
"""

from __future__ import annotations

import io
import json
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import mlflow
import mlflow.sklearn
import numpy as np
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
from mlflow.models import infer_signature
from sklearn.ensemble import RandomForestRegressor

COLUMNS = [f"x{number}" for number in range(8)]
STEPS = 50
MANY = 13
SMALL, LARGE = 1, 64
SPECIAL = ("shared-run", "thirteen", "two-in-one-run", "under-models")
_FROM_3 = int(mlflow.__version__.split(".")[0]) >= 3
_THREADS = 4


def samples() -> pd.DataFrame:
    """Rows that two models are told apart by."""
    return pd.DataFrame(np.random.default_rng(0).normal(size=(16, len(COLUMNS))), columns=COLUMNS)


def ordinary(uri: str, models: int, versions: int) -> None:
    """`models` registered models with as many versions each; the last but one is the champion."""
    client = MlflowClient(uri)
    with ThreadPoolExecutor(_THREADS) as pool:
        list(pool.map(lambda number: _ordinary_model(client, number, versions), range(models)))


def special(uri: str) -> None:
    """One model for each name in SPECIAL."""
    client = MlflowClient(uri)
    shared_run, thirteen, two_in_one_run, under_models = (_Model(client, name) for name in SPECIAL)

    run = shared_run.start(1)
    logged = shared_run.log(run, "model", 1, SMALL)
    shared_run.end(run)
    for _ in range(2):
        shared_run.register(run, logged, "model")

    for number in range(1, MANY + 1):
        thirteen.whole_version(number, SMALL)

    run = two_in_one_run.start(1)
    names = ("first", "second")
    both = [(name, two_in_one_run.log(run, name, seed, SMALL)) for seed, name in enumerate(names, start=1)]
    two_in_one_run.end(run)
    for name, logged in both:
        two_in_one_run.register(run, logged, name)

    # A logged model's name may hold no slash: MLflow 3 has this case only where the path itself is the word.
    path = "models" if _FROM_3 else "models/risk"
    run = under_models.start(1)
    logged = under_models.log(run, path, 1, SMALL)
    under_models.end(run)
    under_models.register(run, logged, path)


def _ordinary_model(client: MlflowClient, number: int, versions: int) -> None:
    model = _Model(client, f"ordinary-{number:02d}")
    for version in range(1, versions + 1):
        model.whole_version(version, LARGE if number % 2 else SMALL)
    client.set_registered_model_alias(model.name, "champion", str(max(1, versions - 1)))
    client.set_registered_model_alias(model.name, "challenger", str(versions))


class _Model:
    """A registered model with an experiment of its own."""

    def __init__(self, client: MlflowClient, name: str) -> None:
        self.client, self.name = client, name
        client.create_registered_model(name, {"team": "births"}, f"What {name} is for")
        self.experiment = client.create_experiment(f"/content/{name}")
        self._random = np.random.default_rng(sum(name.encode()))

    def whole_version(self, number: int, size: int) -> None:
        run = self.start(number)
        self._artifacts(run, size)
        logged = self.log(run, "model", number, size)
        self.end(run)
        self.register(run, logged, "model")

    def start(self, number: int) -> str:
        """A run with parameters, tags, a dataset and the history of two metrics."""
        started = 1_700_000_000_000 + 86_400_000 * number
        run = self.client.create_run(self.experiment, started, {"team": "births"}, f"{self.name}-{number}")
        run_id = str(run.info.run_id)
        history = [
            Metric(key, float(value), started + 1000 * step, step)
            for key in ("loss", "auc")
            for step, value in enumerate(self._random.random(STEPS))
        ]
        self.client.log_batch(
            run_id, history, [Param("depth", "8"), Param("seed", str(number))], [RunTag("kind", "forest")]
        )
        self.client.log_inputs(run_id, [_dataset(number)])
        return run_id

    def end(self, run_id: str) -> None:
        self.client.set_terminated(run_id, "FINISHED", self.client.get_run(run_id).info.start_time + 60_000)

    def log(self, run_id: str, path: str, seed: int, size: int) -> Any:
        """Logs a forest into the run; the model's information as MLflow gives it."""
        random = np.random.default_rng(1000 * seed + sum(self.name.encode()))
        rows = pd.DataFrame(random.normal(size=(60 * size, len(COLUMNS))), columns=COLUMNS)
        forest = RandomForestRegressor(10, max_depth=8, random_state=seed).fit(rows, random.normal(size=len(rows)))
        with tempfile.TemporaryDirectory() as folder:
            saved = Path(folder) / "model"
            signature = infer_signature(rows.head(), forest.predict(rows.head()))
            # Both versions' format: the later one's own default refuses forests.
            mlflow.sklearn.save_model(
                forest,
                saved,
                signature=signature,
                pip_requirements=["scikit-learn"],
                serialization_format=mlflow.sklearn.SERIALIZATION_FORMAT_CLOUDPICKLE,
            )
            if _FROM_3:
                return self._logged_model(run_id, path, saved)
            self.client.log_artifacts(run_id, str(saved), path)
        return None

    def register(self, run_id: str, logged: Any, path: str) -> None:
        source = f"models:/{logged}" if logged else f"{self.client.get_run(run_id).info.artifact_uri}/{path}"
        extra = {"model_id": logged} if logged else {}
        self.client.create_model_version(
            self.name, source, run_id, tags={"reviewed": "yes"}, description=f"{path} of {self.name}", **extra
        )

    def _logged_model(self, run_id: str, name: str, saved: Path) -> str:
        from mlflow.entities import LoggedModelOutput, LoggedModelStatus

        logged = self.client.create_logged_model(self.experiment, name, run_id, params={"depth": "8"})
        model_id = str(logged.model_id)
        self.client.log_model_artifacts(model_id, str(saved))
        self.client.finalize_logged_model(model_id, LoggedModelStatus.READY)
        self.client.log_outputs(run_id, [LoggedModelOutput(model_id, 0)])
        return model_id

    def _artifacts(self, run_id: str, size: int) -> None:
        with tempfile.TemporaryDirectory() as folder:
            for path, content in _five(self._random, size).items():
                target = Path(folder) / path
                target.parent.mkdir(exist_ok=True)
                target.write_bytes(content)
            self.client.log_artifacts(run_id, folder)


def _five(random: np.random.Generator, size: int) -> dict[str, bytes]:
    """What a training run leaves beside its model: two tables, a report, numbers and a picture, which is noise."""
    rows = 200 * size
    scores = pd.DataFrame({"id": np.arange(rows), "truth": random.integers(0, 2, rows), "score": random.random(rows)})
    values = pd.DataFrame(random.normal(size=(40 * size, len(COLUMNS))), columns=COLUMNS)
    parquet = io.BytesIO()
    values.to_parquet(parquet)
    importances = {f"feature {number}": float(random.random()) for number in range(100 * size)}
    cells = "".join(
        f"<tr><td>{index}</td><td>{value:.4f}</td></tr>\n" for index, value in enumerate(random.random(100 * size))
    )
    return {
        "evaluation/scores.csv": scores.to_csv(index=False).encode(),
        "evaluation/report.html": f"<html><body><table>\n{cells}</table></body></html>".encode(),
        "evaluation/roc.png": random.bytes(4000 * size),
        "data/sample.parquet": parquet.getvalue(),
        "explain/importances.json": json.dumps(importances).encode(),
    }


def _dataset(number: int) -> Any:
    from mlflow.entities import Dataset, DatasetInput, InputTag

    source = json.dumps({"url": f"s3://births/{number}"})
    dataset = Dataset(f"births-{number}", f"{number:08x}", "http", source, profile=json.dumps({"rows": number}))
    return DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])


if __name__ == "__main__":
    if sys.argv[2] == "special":
        special(sys.argv[1])
    else:
        ordinary(sys.argv[1], int(sys.argv[3]), int(sys.argv[4]))
