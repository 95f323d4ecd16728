"""The champion that the base trained and the challenger that the change trained, as the jobs measured them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ci.rehearsal.model import Estimate, Measured, ModelPair
from infra.workspace.launch import Running

_UNITY = "/api/2.1/unity-catalog/models"
_MLFLOW = "/api/2.0/mlflow"
# Training's metrics on rows that the model has not seen, and the champion's on the same rows.
_OWN, _CHAMPIONS = "test_", "champion_test_"
_COUNTS = frozenset({"rows", "positives"})


class Registry:
    """Reads one workspace's registered models."""

    def __init__(self, running: Running) -> None:
        self._running = running

    def champion(self, model: str) -> str | None:
        """The number of the version that the alias champion names."""
        answer = self._running.call("GET", f"{_UNITY}/{model}", params={"include_aliases": "true"})
        aliases = {alias["alias_name"]: str(alias["version_num"]) for alias in answer.get("aliases") or []}
        return aliases.get("champion")

    def newest(self, model: str) -> str | None:
        """The number of the version that was registered last."""
        versions = self._running.call("GET", f"{_UNITY}/{model}/versions").get("model_versions", [])
        numbers = [int(version["version"]) for version in versions]
        return str(max(numbers)) if numbers else None

    def compare(self, model: str, champion: str | None, newest_of_base: str | None) -> ModelPair:
        """What the change's training brought, if it brought a version, against the base's champion."""
        newest = self.newest(model)
        after = self.champion(model)
        if newest is None or newest == newest_of_base:
            found = self._measured(model, champion) if champion else None
            return ModelPair(name=model, champion=found, champion_after=after)
        tags, metrics = self._version(model, newest)
        return compared(model, newest, tags, metrics, champion, after)

    def _measured(self, model: str, version: str) -> Measured:
        _, metrics = self._version(model, version)
        return Measured(version=version, metrics=estimates(metrics, _OWN))

    def _version(self, model: str, version: str) -> tuple[dict[str, str], dict[str, float]]:
        """A version's tags, and its training run's metrics."""
        asked = {"name": model, "version": version}
        found = self._running.call("GET", f"{_MLFLOW}/model-versions/get", params=asked)["model_version"]
        run = self._running.call("GET", f"{_MLFLOW}/runs/get", params={"run_id": found["run_id"]})["run"]
        return _pairs(found.get("tags")), _pairs(run["data"].get("metrics"))


def compared(
    model: str,
    version: str,
    tags: Mapping[str, str],
    metrics: Mapping[str, float],
    champion: str | None,
    champion_after: str | None,
) -> ModelPair:
    """The pair from the verdict on the new version (its tags) and the metrics of its training run."""
    theirs = estimates(metrics, _CHAMPIONS)
    low, high = _interval(tags.get("verdict_difference_interval"))
    difference = _number(tags.get("verdict_difference"))
    rows, outcomes = _number(tags.get("verdict_rows")), _number(tags.get("verdict_outcomes"))
    return ModelPair(
        name=model,
        champion=Measured(version=champion, metrics=theirs) if champion else None,
        challenger=Measured(version=version, metrics=estimates(metrics, _OWN)),
        decision=tags.get("verdict"),
        reason=tags.get("verdict_reason"),
        metric=tags.get("verdict_metric"),
        floor=_number(tags.get("verdict_floor")),
        threshold=_number(tags.get("verdict_threshold")),
        difference=None if difference is None else Estimate(value=difference, low=low, high=high),
        rows=None if rows is None else int(rows),
        outcomes=None if outcomes is None else int(outcomes),
        champion_after=champion_after,
    )


def estimates(metrics: Mapping[str, float], prefix: str) -> dict[str, Estimate]:
    """Metrics with that prefix; each interval was logged as two more, `<metric>_low` and `<metric>_high`."""
    named = {name.removeprefix(prefix): value for name, value in metrics.items() if name.startswith(prefix)}
    bounds = {f"{name}_{end}" for name in named for end in ("low", "high")}
    return {
        name: Estimate(value=value, low=named.get(f"{name}_low"), high=named.get(f"{name}_high"))
        for name, value in named.items()
        if name not in bounds and name not in _COUNTS
    }


def _pairs(entries: Iterable[Mapping[str, Any]] | None) -> dict[str, Any]:
    return {entry["key"]: entry["value"] for entry in entries or []}


def _number(text: str | None) -> float | None:
    try:
        found = float(text) if text else None
    except ValueError:
        return None
    return found if found is not None and found == found else None  # "nan": it was not defined


def _interval(text: str | None) -> tuple[float | None, float | None]:
    low, _, high = (text or "").partition(" ")
    return _number(low), _number(high)
