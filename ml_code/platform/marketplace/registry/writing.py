"""The tracking half of what an import writes: experiments, runs, logged models. Few calls, each of them whole."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ml_code.platform.marketplace.registry.http import Missing, Refused, Rest

API = "/api/2.0/mlflow/"

# What MLflow takes in one runs/log-batch, in one runs/create and in one logged-models call.
_MOST = {"metrics": 1000, "params": 100, "tags": 100}
_ENTITIES, _CHARACTERS = 1000, 900_000
_TAGS, _MODEL_PARAMS = 100, 100
_ENDED = ("FINISHED", "FAILED", "KILLED")
_TAKEN = "RESOURCE_ALREADY_EXISTS"
_READY = "LOGGED_MODEL_READY"
_NOT_IN_MODEL_NAME = re.compile(r"[/:.%\"'\x00-\x1f]")


@dataclass(frozen=True)
class Point:
    """One metric value; `model_id`, `dataset_name` and `dataset_digest` tie it to a logged model and its data."""

    key: str
    value: float
    timestamp: int
    step: int
    model_id: str | None = None
    dataset_name: str | None = None
    dataset_digest: str | None = None

    def fields(self) -> dict[str, Any]:
        found = {
            "key": self.key,
            "value": self.value if math.isfinite(self.value) else _quoted(self.value),
            "timestamp": self.timestamp,
            "step": self.step,
            "model_id": self.model_id,
            "dataset_name": self.dataset_name,
            "dataset_digest": self.dataset_digest,
        }
        return {key: value for key, value in found.items() if value is not None}


@dataclass(frozen=True)
class LandedRun:
    """A run of the hub."""

    run_id: str
    experiment_id: str
    artifacts: str
    """URI of its artifacts."""
    tags: Mapping[str, str]
    ended: bool


@dataclass(frozen=True)
class LandedModel:
    """A logged model of the hub."""

    model_id: str
    artifacts: str
    ready: bool


class Tracking:
    """One server's experiments, runs and logged models. Errors are http.Refused and its kinds, http.Unreachable."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    def experiment(self, name: str, tags: Mapping[str, str]) -> tuple[str, bool]:
        """The experiment's id, and whether it was made by this call. A deleted one of that name is restored."""
        try:
            found = self._rest.call("GET", API + "experiments/get-by-name", {"experiment_name": name})["experiment"]
        except Missing:
            return self._new_experiment(name, tags)
        if found.get("lifecycle_stage") == "deleted":
            self._post("experiments/restore", {"experiment_id": found["experiment_id"]}, repeatable=True)
        return str(found["experiment_id"]), False

    def runs_tagged(self, experiment_id: str, key: str, value: str) -> list[LandedRun]:
        """Runs of the experiment that have this tag, the newest first; deleted ones are not among them."""
        fields = {
            "experiment_ids": [experiment_id],
            "filter": f"tags.`{key}` = {_literal(value)}",
            "max_results": 10,
            "order_by": ["attributes.start_time DESC"],
        }
        found = self._post("runs/search", fields, repeatable=True)
        return [_run(run) for run in found.get("runs", [])]

    def create_run(
        self, experiment_id: str, *, name: str, user: str, start: int | None, tags: Mapping[str, str]
    ) -> LandedRun:
        """A running run with up to a hundred of its tags; the rest is for `log`."""
        first = dict(list(tags.items())[:_TAGS])
        fields = {
            "experiment_id": experiment_id,
            "user_id": user,
            "run_name": name,
            "start_time": start,
            "tags": _pairs(first),
        }
        made = self._post("runs/create", {key: value for key, value in fields.items() if value not in (None, "")})
        run = _run(made["run"])
        if rest := dict(list(tags.items())[_TAGS:]):
            self.log(run.run_id, tags=rest)
        return run

    def log(
        self,
        run_id: str,
        metrics: Iterable[Point] = (),
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Metrics, parameters and tags of a run, in as few batches as MLflow allows."""
        for batch in _batches(metrics, params or {}, tags or {}):
            self._post("runs/log-batch", {"run_id": run_id, **batch})

    def log_inputs(self, run_id: str, inputs: Sequence[Mapping[str, Any]]) -> None:
        """The datasets that a run read."""
        if inputs:
            self._post("runs/log-inputs", {"run_id": run_id, "datasets": [_dataset(each) for each in inputs]})

    def end_run(self, run_id: str, status: str, end: int | None) -> None:
        """Its last state; a run that was still on its way at the origin is finished here."""
        fields = {"run_id": run_id, "status": status if status in _ENDED else "FINISHED", "end_time": end}
        self._post("runs/update", {key: value for key, value in fields.items() if value is not None}, repeatable=True)

    def delete_run(self, run_id: str) -> None:
        self._post("runs/delete", {"run_id": run_id}, repeatable=True)

    def logged_models_tagged(self, experiment_id: str, key: str, value: str) -> list[LandedModel]:
        """Logged models of the experiment that have this tag."""
        fields = {"experiment_ids": [experiment_id], "filter": f"tags.`{key}` = {_literal(value)}", "max_results": 10}
        found = self._post("logged-models/search", fields, repeatable=True)
        return [_logged(model) for model in found.get("models", [])]

    def create_logged_model(
        self,
        experiment_id: str,
        *,
        run_id: str | None,
        name: str,
        params: Mapping[str, str],
        tags: Mapping[str, str],
    ) -> LandedModel:
        """A pending logged model; it is ready once `finish_logged_model` says so."""
        listed = _pairs(params)
        fields = {
            "experiment_id": experiment_id,
            "name": _NOT_IN_MODEL_NAME.sub("-", name) or "model",
            "params": listed[:_MODEL_PARAMS],
            "tags": _pairs(tags),
            **({"source_run_id": run_id} if run_id else {}),
        }
        made = _logged(self._post("logged-models", fields)["model"])
        for start in range(_MODEL_PARAMS, len(listed), _MODEL_PARAMS):
            more = {"model_id": made.model_id, "params": listed[start : start + _MODEL_PARAMS]}
            self._post(f"logged-models/{made.model_id}/params", more)
        return made

    def finish_logged_model(self, model_id: str) -> None:
        fields = {"model_id": model_id, "status": _READY}
        self._rest.call("PATCH", f"{API}logged-models/{model_id}", fields)

    def delete_logged_model(self, model_id: str) -> None:
        self._rest.call("DELETE", f"{API}logged-models/{model_id}")

    def log_output(self, run_id: str, model_id: str) -> None:
        """The run made the logged model."""
        self._post("runs/outputs", {"run_id": run_id, "models": [{"model_id": model_id, "step": 0}]}, repeatable=True)

    def _new_experiment(self, name: str, tags: Mapping[str, str]) -> tuple[str, bool]:
        fields = {"name": name, "tags": _pairs(tags)}
        try:
            try:
                return str(self._post("experiments/create", fields)["experiment_id"]), True
            except Refused as error:
                if error.code == _TAKEN or not self._made_folder(name.rpartition("/")[0]):
                    raise
                return str(self._post("experiments/create", fields)["experiment_id"]), True
        except Refused as error:
            if error.code != _TAKEN:
                raise
            found = self._rest.call("GET", API + "experiments/get-by-name", {"experiment_name": name})
            return str(found["experiment"]["experiment_id"]), False

    def _made_folder(self, path: str) -> bool:
        """Databricks wants an experiment's folder first; a plain server has no folders."""
        try:
            self._rest.call("POST", "/api/2.0/workspace/mkdirs", {"path": path}, repeatable=True)
        except Refused:
            return False
        return True

    def _post(self, path: str, fields: Mapping[str, Any], *, repeatable: bool = False) -> dict[str, Any]:
        return self._rest.call("POST", API + path, fields, repeatable=repeatable)


def _batches(
    metrics: Iterable[Point], params: Mapping[str, str], tags: Mapping[str, str]
) -> Iterator[dict[str, list[Any]]]:
    """Each as full as MLflow's limits on numbers and length allow."""
    entities = [("params", each) for each in _pairs(params)] + [("tags", each) for each in _pairs(tags)]
    batch: dict[str, list[Any]] = {kind: [] for kind in _MOST}
    count = length = 0
    for kind, entity in [*entities, *(("metrics", point.fields()) for point in metrics)]:
        size = sum(len(str(value)) + 20 for value in entity.values())
        if len(batch[kind]) == _MOST[kind] or count == _ENTITIES or (count and length + size > _CHARACTERS):
            yield batch
            batch, count, length = {kind: [] for kind in _MOST}, 0, 0
        batch[kind].append(entity)
        count, length = count + 1, length + size
    if count:
        yield batch


def _run(run: Mapping[str, Any]) -> LandedRun:
    info = run["info"]
    return LandedRun(
        run_id=str(info["run_id"]),
        experiment_id=str(info["experiment_id"]),
        artifacts=str(info["artifact_uri"]),
        tags={tag["key"]: tag.get("value", "") for tag in run.get("data", {}).get("tags", [])},
        ended=info.get("status") in _ENDED,
    )


def _logged(model: Mapping[str, Any]) -> LandedModel:
    info = model["info"]
    ready = info.get("status") in (_READY, "READY", 2)
    return LandedModel(str(info["model_id"]), str(info["artifact_uri"]), ready)


def _dataset(each: Mapping[str, Any]) -> dict[str, Any]:
    known = ("name", "digest", "source_type", "source", "schema", "profile")
    dataset = {key: each[key] for key in known if each.get(key) is not None}
    return {"dataset": dataset, "tags": _pairs(each.get("tags") or {})}


def _pairs(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in values.items()]


def _literal(text: str) -> str:
    # MLflow's filters know no escapes, but two kinds of quotes.
    return f'"{text}"' if "'" in text else f"'{text}'"


def _quoted(value: float) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
