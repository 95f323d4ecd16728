"""Scores one row with a commit's own code; run by path in that commit's environment, never imported by the command.

Reads a request from stdin and writes its answer to the file that the request names. The model is loaded as the scoring
step does: MLflow runs the model's own source file. A model that was pickled is refused, for unpickling runs whatever
it holds.
"""

from __future__ import annotations

import importlib
import json
import platform
import sys
import traceback
from importlib.metadata import version
from pathlib import Path
from typing import Any

PACKAGES = ("lightgbm", "numpy", "pandas", "mlflow")


class Refused(Exception):
    """What cannot be rebuilt, and why."""

    def __init__(self, part: str, reason: str) -> None:
        super().__init__(reason)
        self.part = part


def main() -> None:
    """One request, one answer."""
    request = json.load(sys.stdin)
    sys.path.insert(0, request["checkout"])
    try:
        answer = score(request)
    except Refused as error:
        answer = {"part": error.part, "reason": str(error)}
    except Exception as error:
        traceback.print_exc()
        answer = {"part": "code", "reason": f"{type(error).__name__}: {str(error).strip().splitlines()[:1]}"}
    Path(request["answer"]).write_text(json.dumps(answer), encoding="utf-8")


def score(request: dict[str, Any]) -> dict[str, Any]:
    """Risk, band and reasons of the request's row. Raises Refused."""
    project = f"ml_code.projects.{request['project']}"
    scoring, configuration = _module(f"{project}.score"), _module(f"{project}.configuration")
    versions = _module("ml_code.platform.registry.versions")
    if not Path(scoring.__file__).is_relative_to(request["checkout"]):
        raise Refused("code", f"{scoring.__file__} is not of the commit: another installation hides its code")
    model = _load(versions, request["model"], request["version"])
    scorer = scoring.scorer_of(model, configuration.read_project(request["checkout"], request["environment"]))
    risk, band, reasons = scorer.batch(_batch(request, model.preparation.features))
    return {
        "risk": risk.to_pylist()[0],
        "band": band.to_pylist()[0],
        "reasons": reasons.to_pylist()[0],
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
    }


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise Refused("code", f"the commit's code has no {error.name}, which scoring needs") from error


def _load(versions: Any, name: str, number: int) -> Any:
    import mlflow

    absent: Any = importlib.import_module("ml_code.platform.errors").StepError
    try:
        store = versions.Versions(name)
        store.get(number)
        flavor = mlflow.models.get_model_info(f"models:/{name}/{number}").flavors.get("python_function", {})
        if not flavor.get("model_code_path"):
            raise Refused(
                "model", f"{name} v{number} was logged as a pickle, which is not loaded: it could run anything"
            )
        return store.load(number)
    except absent as error:
        raise Refused("model", str(error)) from error
    except mlflow.exceptions.MlflowException as error:
        raise Refused("model", f"{name} v{number} cannot be loaded: {error.message}") from error


def _batch(request: dict[str, Any], features: tuple[str, ...]) -> Any:
    """The row in the types of its table: single and double precision are not the same number."""
    import pyarrow as pa

    row, types = request["row"], request["types"]
    if lacking := [name for name in features if name not in row]:
        raise Refused("data", f"the row of features has no {', '.join(lacking)}, which the model takes")
    return pa.RecordBatch.from_arrays([pa.array([row[name]], types[name]) for name in features], list(features))


if __name__ == "__main__":
    main()
