"""What of a registry arrived in another: read from both by MLflow's client alone, compared version by version.

It goes through the source's versions, so that what never arrived counts against the tool. A version of the target is
the one that holds the same model, byte for byte: no tool's own tags or names are believed.

    python -m tests.support.marketplace_comparison <source uri> <target uri> [<rule of the target's names>]
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import mlflow
import yaml
from mlflow import MlflowClient

ASPECTS = (
    "versions", "order", "doubled", "model files", "predictions", "model of its own", "aliases", "tags and description",
    "parameters", "run's tags", "metric history", "run's times", "datasets", "artifacts", "runs doubled",
)  # fmt: skip
_FROM_ITS_SERVER = ("run_id", "model_id", "artifact_path", "model_uuid", "utc_time_created")
"""Of MLmodel: what another server must write anew."""
_REGISTRATION = "registered_model_meta"
_THREADS = 4


@dataclass(frozen=True)
class Found:
    """A version as its server shows it."""

    number: int
    model: str
    """Sum over the model's files, but for what MLmodel says of its server."""
    predictions: tuple[float, ...]
    own_model: str
    """The same sum of the logged model that the version's model_id names; of MLflow 2, the model's own."""
    aliases: frozenset[str]
    tags: Mapping[str, str]
    description: str
    run_id: str
    run: Mapping[str, Any]


@dataclass
class Kept:
    """By aspect: of how many a tool kept how many, and the first that it did not."""

    of: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)
    lost: dict[str, str] = field(default_factory=dict)

    def count(self, aspect: str, held: bool, where: str) -> None:
        self.of[aspect] += 1
        self.kept[aspect] += held
        if not held:
            self.lost.setdefault(aspect, where)

    def __str__(self) -> str:
        return "\n".join(
            f"{aspect:22} {self.kept[aspect]:5} of {self.of[aspect]:5}  {self.lost.get(aspect, '')}"
            for aspect in ASPECTS
        )


def compare(source: Mapping[str, list[Found]], target: Mapping[str, list[Found]], name: Callable[[str], str]) -> Kept:
    """Goes through the source's versions; `name` gives a model's name in the target."""
    kept = Kept()
    for model, versions in source.items():
        arrived = target.get(name(model), [])
        matched = _matched(versions, arrived)
        numbers = [each.number for each in matched if each]
        kept.count("order", None not in matched and numbers == sorted(numbers), model)
        kept.count("doubled", len(arrived) <= len(versions), f"{model}: {len(arrived)} versions of {len(versions)}")
        runs = {each.run_id for each in versions}, {each.run_id for each in arrived}
        kept.count("runs doubled", len(runs[1]) <= len(runs[0]), f"{model}: {len(runs[1])} runs of {len(runs[0])}")
        for mine, theirs in zip(versions, matched, strict=True):
            for aspect, held in _aspects(mine, theirs):
                kept.count(aspect, held, f"{model} {mine.number}")
    return kept


def registry(uri: str, samples: Any, names: str = "*") -> dict[str, list[Found]]:
    """The models of a server whose names match, and their versions by number; `samples` is what they predict."""
    client = MlflowClient(uri, uri)
    versions = {
        str(model.name): sorted(_all(client, f"name='{model.name}'"), key=lambda each: int(each.version))
        for model in _pages(client.search_registered_models)
        if fnmatchcase(model.name, names)
    }
    holders: dict[tuple[str, int], set[str]] = {}
    for name in versions:
        for alias, number in client.get_registered_model(name).aliases.items():
            holders.setdefault((name, int(number)), set()).add(alias)
    with ThreadPoolExecutor(_THREADS) as pool:
        return {
            name: list(pool.map(lambda each: _found(client, uri, each, holders, samples), found))
            for name, found in versions.items()
        }


def _matched(versions: list[Found], arrived: list[Found]) -> list[Found | None]:
    """For each version of the source the target's with the same model; each of them stands for one."""
    left = list(arrived)
    matched: list[Found | None] = []
    for version in versions:
        same = next((each for each in left if each.model == version.model), None)
        if same:
            left.remove(same)
        matched.append(same)
    return matched


def _aspects(mine: Found, theirs: Found | None) -> Iterator[tuple[str, bool]]:
    yield "versions", theirs is not None
    for aspect, of in _EQUAL.items():
        yield aspect, theirs is not None and of(mine) == of(theirs)
    for aspect, of in _CONTAINED.items():
        yield aspect, theirs is not None and of(mine).items() <= of(theirs).items()
    yield "model of its own", theirs is not None and theirs.own_model == mine.model
    # A tool may add to a description; it may not lose it.
    kept = theirs is not None and mine.tags.items() <= theirs.tags.items() and mine.description in theirs.description
    yield "tags and description", kept


_EQUAL: dict[str, Callable[[Found], Any]] = {
    "model files": lambda each: each.model,
    "predictions": lambda each: each.predictions,
    "aliases": lambda each: each.aliases,
    "metric history": lambda each: each.run.get("history"),
    "run's times": lambda each: each.run.get("times"),
    "datasets": lambda each: each.run.get("datasets"),
}
_CONTAINED: dict[str, Callable[[Found], Mapping[str, Any]]] = {
    "parameters": lambda each: each.run.get("params", {}),
    "run's tags": lambda each: each.run.get("tags", {}),
    "artifacts": lambda each: each.run.get("artifacts", {}),
}


def _found(
    client: MlflowClient, uri: str, version: Any, holders: Mapping[tuple[str, int], set[str]], samples: Any
) -> Found:
    name, number = str(version.name), int(version.version)
    with tempfile.TemporaryDirectory() as folder:
        model = _local(client.get_model_version_download_uri(name, str(number)), uri, folder)
        sums = _model_sum(model)
        predictions = (
            tuple(map(float, mlflow.pyfunc.load_model(str(model), suppress_warnings=True).predict(samples)))
            if sums
            else ()
        )
    model_id = getattr(version, "model_id", None)
    own = sums
    if model_id:
        with tempfile.TemporaryDirectory() as folder:
            own = _model_sum(_local(client.get_logged_model(model_id).artifact_location, uri, folder))
    return Found(
        number=number,
        model=sums,
        predictions=predictions,
        own_model=own,
        aliases=frozenset(holders.get((name, number), ())),
        tags=dict(version.tags),
        description=version.description or "",
        run_id=version.run_id or "",
        run=_run(client, uri, version.run_id) if version.run_id else {},
    )


def _run(client: MlflowClient, uri: str, run_id: str) -> dict[str, Any]:
    run = client.get_run(run_id)
    history = {
        key: [(point.step, point.timestamp, point.value) for point in client.get_metric_history(run_id, key)]
        for key in sorted(run.data.metrics)
    }
    datasets = sorted(
        (each.dataset.name, each.dataset.digest, each.dataset.source) for each in run.inputs.dataset_inputs
    )
    with tempfile.TemporaryDirectory() as folder:
        artifacts = _sums(_local(run.info.artifact_uri, uri, folder))
    return {
        "history": history,
        "times": (run.info.start_time, run.info.end_time),
        "datasets": datasets,
        "params": dict(run.data.params),
        "tags": {key: value for key, value in run.data.tags.items() if not key.startswith("mlflow.")},
        # Files of a model are compared as the version's, wherever a server keeps them.
        "artifacts": {path: content for path, content in artifacts.items() if not _beside_mlmodel(path, artifacts)},
    }


def _local(artifact_uri: str, tracking_uri: str, folder: str) -> Path:
    """Where the files are on this machine; those of a server that hands them out itself are fetched."""
    parts = urlsplit(artifact_uri)
    if parts.scheme in ("", "file"):
        return Path(unquote(parts.path))
    try:
        mlflow.artifacts.download_artifacts(artifact_uri, dst_path=folder, tracking_uri=tracking_uri)
    except mlflow.MlflowException:
        return Path(folder) / "nothing there"
    [only] = [*Path(folder).iterdir()] or [Path(folder)]
    return only if only.is_dir() else Path(folder)


def _model_sum(folder: Path) -> str:
    """Of the paths and contents below a model's folder; empty where there is no model."""
    sums = {path: content for path, content in _sums(folder).items() if path != _REGISTRATION}
    if "MLmodel" not in sums:
        return ""
    fields = yaml.safe_load((folder / "MLmodel").read_text())
    sums["MLmodel"] = repr(sorted((key, value) for key, value in fields.items() if key not in _FROM_ITS_SERVER))
    return hashlib.sha256(json.dumps(sums, sort_keys=True).encode()).hexdigest()


def _sums(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _beside_mlmodel(path: str, known: Mapping[str, str]) -> bool:
    return any(f"{parent}/MLmodel" in known for parent in map(str, Path(path).parents))


def _all(client: MlflowClient, where: str) -> Iterator[Any]:
    return _pages(client.search_model_versions, filter_string=where)


def _pages(search: Callable[..., Any], **options: Any) -> Iterator[Any]:
    token = None
    while True:
        page = search(page_token=token, **options)
        yield from page
        if not (token := page.token):
            return


if __name__ == "__main__":
    from tests.support.marketplace_content import samples

    rule = sys.argv[3] if len(sys.argv) > 3 else "{model}"
    both = [registry(uri, samples()) for uri in sys.argv[1:3]]
    print(compare(both[0], both[1], lambda model: rule.format(model=model)))
