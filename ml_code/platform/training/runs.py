"""A training run in MLflow with one child run a trial, written in few requests."""

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag

from ml_code.platform.evaluation.metrics import Floats
from ml_code.platform.evaluation.plots import write_files
from ml_code.platform.training.booster import Fitted


class TrainingRun:
    """The parent run; ends as FINISHED, or as FAILED when its block raises."""

    def __init__(self, experiment: str, name: str, tags: Mapping[str, str]) -> None:
        self.client = MlflowClient()
        found = self.client.get_experiment_by_name(experiment)
        self.experiment_id = found.experiment_id if found else self.client.create_experiment(experiment)
        self._tags = dict(tags)
        run = self.client.create_run(self.experiment_id, run_name=name, tags=self._tags)
        self.run_id: str = run.info.run_id

    def __enter__(self) -> "TrainingRun":
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self.client.set_terminated(self.run_id, "FAILED" if kind else "FINISHED")

    def log(self, parameters: Mapping[str, Any], metrics: Mapping[str, float], run_id: str | None = None) -> None:
        """Parameters and metrics of the run (or of a child) in one request."""
        self.client.log_batch(run_id or self.run_id, metrics=_metrics(metrics), params=_parameters(parameters))

    def log_child(
        self,
        name: str,
        parameters: Mapping[str, Any],
        metrics: Mapping[str, float],
        outcome: Floats,
        predicted: Floats,
        fitted: Fitted,
        *,
        plots: bool,
    ) -> str:
        """A finished child run with its files; returns its id."""
        tags = self._tags | {"mlflow.parentRunId": self.run_id}
        child = self.client.create_run(self.experiment_id, run_name=name, tags=tags)
        run_id = str(child.info.run_id)
        self.log(parameters, metrics, run_id)
        if plots:
            self.log_files(outcome, predicted, fitted, run_id)
        self.client.set_terminated(run_id)
        return run_id

    def log_files(self, outcome: Floats, predicted: Floats, fitted: Fitted, run_id: str | None = None) -> None:
        """Feature importance and the pictures of a model on some rows."""
        with tempfile.TemporaryDirectory() as folder:
            write_files(Path(folder), outcome, predicted, fitted.importance)
            self.client.log_artifacts(run_id or self.run_id, folder)

    def tag(self, tags: Mapping[str, str]) -> None:
        """More tags on the run, in one request."""
        self.client.log_batch(self.run_id, tags=[RunTag(key, str(value)) for key, value in tags.items()])


def _metrics(metrics: Mapping[str, float]) -> list[Metric]:
    now = int(time.time() * 1000)
    return [Metric(name, value, now, 0) for name, value in metrics.items()]


def _parameters(parameters: Mapping[str, Any]) -> list[Param]:
    return [Param(name, str(value)) for name, value in parameters.items()]
