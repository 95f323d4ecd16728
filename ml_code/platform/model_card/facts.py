"""What a card is made from: the version, the run that trained it, and the files that training and validation left."""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml_code.platform.configuration import Section
from ml_code.platform.registry.promotion import Verdict

FILES = {
    "data_profile": "data/profile.json",
    "selection": "data/feature_selection.json",
    "validation": "evaluation/validation.json",
    "fairness": "evaluation/fairness.json",
    "attributions": "explain/attributions.json",
    "profile": "model_profile.json",
}
PICTURES = {
    "roc": "evaluation/roc.png",
    "precision_recall": "evaluation/precision_recall.png",
    "calibration": "evaluation/calibration.png",
    "attributions": "explain/attributions.png",
}


class About(Section):
    """What only people know about a model: the project's own file."""

    purpose: str
    intended_use: tuple[str, ...]
    not_for: tuple[str, ...]
    caveats: tuple[str, ...]


@dataclass(frozen=True)
class Facts:
    """Everything on a card. A file or a picture that the run does not have is left out of `files` or `pictures`."""

    model: str
    version: int
    run_id: str
    owner: str
    about: About
    verdict: Verdict
    tags: Mapping[str, str]
    parameters: Mapping[str, str]
    files: Mapping[str, dict[str, Any]]
    pictures: Mapping[str, bytes]
    period: str
    """Which days' rows it was trained and measured on."""
    kept: Mapping[str, str]
    """What the inference log keeps of each column: keep, hash or drop."""
    sensitive: tuple[str, ...]
    """Features that are measured by and not used."""
    reproduction: str
    """The command that trains it again."""


def read_run(run_id: str) -> tuple[dict[str, str], dict[str, dict[str, Any]], dict[str, bytes]]:
    """Parameters, JSON files and pictures of a training run, in one download a folder."""
    import mlflow
    from mlflow import MlflowClient

    client = MlflowClient()
    parameters = dict(client.get_run(run_id).data.params)
    there = {entry.path for entry in client.list_artifacts(run_id)}
    wanted = {path.split("/")[0] for path in (*FILES.values(), *PICTURES.values())}
    with tempfile.TemporaryDirectory() as name:
        for path in sorted(wanted & there):
            mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path=path, dst_path=name)
        files = {key: Path(name) / path for key, path in FILES.items()}
        pictures = {key: Path(name) / path for key, path in PICTURES.items()}
        return (
            parameters,
            {key: json.loads(path.read_text(encoding="utf-8")) for key, path in files.items() if path.exists()},
            {key: path.read_bytes() for key, path in pictures.items() if path.exists()},
        )
