"""Runs with all that MLflow keeps of them, their experiments, and logged models: as a manifest holds them."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ml_code.platform.marketplace.manifest import LoggedModel, Run
from ml_code.platform.marketplace.registry.http import Missing, Rest
from ml_code.platform.marketplace.registry.reading import API
from ml_code.platform.marketplace.registry.records import pairs

_HISTORY_PAGE = 25_000


History = tuple[tuple[float, int, int], ...]
"""Value, step and time of each point."""


@dataclass(frozen=True)
class FoundRun:
    """A run, where its artifacts are, and whether somebody has put it into the bin."""

    run: Run
    artifacts: str
    deleted: bool


@dataclass(frozen=True)
class FoundModel:
    """A logged model and where its files are."""

    model: LoggedModel
    artifacts: str


class Runs:
    """One tracking server's runs. Threads may use it at once; each experiment is asked for once."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest
        self._lock = threading.Lock()
        self._experiments: dict[str, tuple[str, Mapping[str, str]]] = {}

    def get(self, run_id: str) -> FoundRun | None:
        """The run with the whole history of its metrics; None where it is gone."""
        try:
            answer = self._rest.call("GET", API + "runs/get", {"run_id": run_id})["run"]
        except Missing:
            return None
        keys = metric_keys(answer)
        return self.found(answer, {key: self.history(run_id, key) for key in keys})

    def found(self, answer: Mapping[str, Any], histories: Mapping[str, History]) -> FoundRun:
        """The REST API's JSON of a run, with the histories of its metrics."""
        info, data = answer["info"], answer.get("data", {})
        experiment, tags = self._experiment(str(info["experiment_id"]))
        run = Run(
            run_id=str(info["run_id"]),
            name=str(info.get("run_name") or ""),
            status=str(info.get("status") or ""),
            start=_time(info.get("start_time")),
            end=_time(info.get("end_time")),
            user=str(info.get("user_id") or ""),
            params=pairs(data.get("params", [])),
            tags=pairs(data.get("tags", [])),
            metrics=histories,
            inputs=tuple(_input(each) for each in answer.get("inputs", {}).get("dataset_inputs", [])),
            experiment_id=str(info["experiment_id"]),
            experiment=experiment,
            experiment_tags=tags,
        )
        return FoundRun(run, str(info.get("artifact_uri") or ""), info.get("lifecycle_stage") == "deleted")

    def know(self, experiments: Iterable[Mapping[str, Any]]) -> None:
        """Experiments, as the REST API's JSON, that need not be asked for."""
        with self._lock:
            for each in experiments:
                self._experiments[str(each["experiment_id"])] = str(each["name"]), pairs(each.get("tags", []))

    def logged_model(self, model_id: str) -> FoundModel:
        """MLflow 3's record of a model. Raises http.Missing."""
        answer = self._rest.call("GET", f"{API}logged-models/{model_id}")["model"]
        info, data = answer["info"], answer.get("data", {})
        model = LoggedModel(
            model_id=model_id,
            name=str(info.get("name") or ""),
            params=pairs(data.get("params", [])),
            tags=pairs(info.get("tags", [])),
            metrics=tuple(_model_metric(each) for each in data.get("metrics", [])),
        )
        return FoundModel(model, str(info["artifact_uri"]))

    def history(self, run_id: str, key: str) -> History:
        """All values of a metric, in the order of their times."""
        fields: dict[str, Any] = {"run_id": run_id, "metric_key": key}
        points: list[Mapping[str, Any]] = []
        while True:
            answer = self._rest.call("GET", API + "metrics/get-history", fields)
            points += answer.get("metrics", [])
            token = answer.get("next_page_token")
            if not token:
                return history_of(points)
            fields |= {"page_token": token, "max_results": _HISTORY_PAGE}

    def _experiment(self, experiment_id: str) -> tuple[str, Mapping[str, str]]:
        with self._lock:
            if experiment_id not in self._experiments:
                answer = self._rest.call("GET", API + "experiments/get", {"experiment_id": experiment_id})["experiment"]
                self._experiments[experiment_id] = str(answer["name"]), pairs(answer.get("tags", []))
            return self._experiments[experiment_id]


def metric_keys(answer: Mapping[str, Any]) -> list[str]:
    """Names of a run's metrics."""
    return [str(metric["key"]) for metric in answer.get("data", {}).get("metrics", [])]


def history_of(points: Iterable[Mapping[str, Any]]) -> History:
    """Points of one metric, in an order that does not depend on how they were asked for."""
    found = [(float(each.get("value", 0)), int(each.get("step", 0)), int(each.get("timestamp", 0))) for each in points]
    return tuple(sorted(found, key=lambda each: (each[2], each[1], math.isnan(each[0]), each[0])))


def _input(each: Mapping[str, Any]) -> dict[str, Any]:
    known = ("name", "digest", "source_type", "source", "schema", "profile")
    dataset = each["dataset"]
    return {key: dataset.get(key) for key in known} | {"tags": pairs(each.get("tags", []))}


def _model_metric(each: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "key": str(each["key"]),
        "value": float(each.get("value", 0)),
        "step": int(each.get("step", 0)),
        "timestamp": int(each.get("timestamp", 0)),
        "run_id": each.get("run_id"),
        "dataset_name": each.get("dataset_name"),
        "dataset_digest": each.get("dataset_digest"),
    }


def _time(value: Any) -> int | None:
    return int(value) if value else None
