"""What was fetched as an MLflow model: as it is where it is one, else with an MLmodel that is written here."""

from __future__ import annotations

import json
import platform
import re
import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from ml_code.platform.marketplace.intake.findings import Rejected
from ml_code.platform.marketplace.intake.mlmodel import FILE
from ml_code.platform.marketplace.intake.request import Request

_TOKENIZER = frozenset(
    (
        *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"),
        *("vocab.json", "vocab.txt", "merges.txt", "tokenizer.model", "spiece.model"),
        *("sentencepiece.bpe.model", "chat_template.jinja"),
    )
)
_CLASS = re.compile(r"^[A-Z][A-Za-z0-9_]{0,79}$")
_DTYPES = ("float32", "float16", "bfloat16")
_PIPELINES = {
    "text-generation": "TextGenerationPipeline",
    "text-classification": "TextClassificationPipeline",
    "token-classification": "TokenClassificationPipeline",
    "fill-mask": "FillMaskPipeline",
    "feature-extraction": "FeatureExtractionPipeline",
    "question-answering": "QuestionAnsweringPipeline",
    "summarization": "SummarizationPipeline",
    "text2text-generation": "Text2TextGenerationPipeline",
    "zero-shot-classification": "ZeroShotClassificationPipeline",
}


def package(request: Request, folder: Path, kinds: Mapping[str, str]) -> Path:
    """The folder of the MLflow model, which is `folder` or below it. Raises Rejected where files are missing."""
    if request.format == "mlflow":
        return _as_it_is(folder, kinds)
    flavors = _MAKERS[request.format](request, folder, kinds)
    _write(request, folder, flavors)
    return folder


def _as_it_is(folder: Path, kinds: Mapping[str, str]) -> Path:
    found = [path for path in kinds if path.rpartition("/")[2] == FILE]
    if len(found) != 1:
        raise Rejected("mlmodel", f"{len(found)} files {FILE} in the source; a model has one")
    return (folder / found[0]).parent


def _sklearn(request: Request, folder: Path, kinds: Mapping[str, str]) -> dict[str, Any]:
    data, kind = _single(kinds, {"pickle", "skops"}, "model.skops or model.pkl")
    return {
        "python_function": _python("mlflow.sklearn", model_path=data, predict_fn="predict"),
        "sklearn": {
            "pickled_model": data,
            "serialization_format": "skops" if kind == "skops" else "pickle",
            "sklearn_version": _version(request, "scikit-learn"),
            "code": None,
        },
    }


def _lightgbm(request: Request, folder: Path, kinds: Mapping[str, str]) -> dict[str, Any]:
    boosters = {
        path: kind for path, kind in kinds.items() if kind == "text" and (folder / path).open("rb").read(5) == b"tree\n"
    }
    data, _ = _single(boosters, {"text"}, "a booster in LightGBM's own text format")
    return {
        "python_function": _python("mlflow.lightgbm", data=data),
        "lightgbm": {
            "data": data,
            "model_class": "lightgbm.basic.Booster",
            "lgb_version": _version(request, "lightgbm"),
            "code": None,
        },
    }


def _transformers(request: Request, folder: Path, kinds: Mapping[str, str]) -> dict[str, Any]:
    """MLflow looks for weights and configuration in `model`, and for the tokenizer in `components/tokenizer`."""
    configuration = _json(folder, "config.json")
    architectures = configuration.get("architectures")
    if not (isinstance(architectures, list) and len(architectures) == 1 and _CLASS.match(str(architectures[0]))):
        raise Rejected("format", "expected the name of one class in `architectures`", "config.json")
    tokenizer = str(_json(folder, "tokenizer_config.json").get("tokenizer_class") or "PreTrainedTokenizerFast")
    if not _CLASS.match(tokenizer):
        raise Rejected("format", "expected the name of a class in `tokenizer_class`", "tokenizer_config.json")
    if request.task not in _PIPELINES:
        raise Rejected("format", f"task {request.task} is not supported; supported are {', '.join(_PIPELINES)}")
    for path in kinds:
        if path in _TOKENIZER:
            _move(folder, path, f"components/tokenizer/{path}")
        elif kinds[path] in ("safetensors", "torch", "json"):
            _move(folder, path, f"model/{path}")
    flavor = {
        "task": request.task,
        "instance_type": _PIPELINES[request.task],
        "framework": "pt",
        "pipeline_model_type": architectures[0],
        "model_binary": "model",
        "source_model_name": getattr(request.source, "repository", request.model),
        "components": ["tokenizer"],
        "tokenizer_type": tokenizer,
        "transformers_version": _version(request, "transformers"),
        "code": None,
    }
    dtype = configuration.get("torch_dtype") or configuration.get("dtype")
    if dtype in _DTYPES:
        flavor["torch_dtype"] = f"torch.{dtype}"
    return {"python_function": _python("mlflow.transformers"), "transformers": flavor}


_MAKERS: dict[str, Callable[[Request, Path, Mapping[str, str]], dict[str, Any]]] = {
    "sklearn": _sklearn,
    "lightgbm": _lightgbm,
    "transformers": _transformers,
}


def _write(request: Request, folder: Path, flavors: Mapping[str, Any]) -> None:
    """MLmodel and the files of its environment; the same request gives the same bytes."""
    python, requirements = platform.python_version(), [f"mlflow=={_mlflow()}", *request.requirements]
    signature = request.signature
    if signature is None:
        raise Rejected("mlmodel", "a signature is missing in the request")
    columns = {
        side: json.dumps([each.model_dump(exclude_defaults=True) for each in fields])
        for side, fields in (("inputs", signature.inputs), ("outputs", signature.outputs))
    }
    document = {
        "flavors": dict(flavors),
        "mlflow_version": _mlflow(),
        "model_uuid": None,
        "signature": {**columns, "params": None},
        "utc_time_created": datetime.fromtimestamp(0, UTC).strftime("%Y-%m-%d %H:%M:%S.%f"),
    }
    _dump(folder / FILE, document)
    _dump(
        folder / "conda.yaml",
        {
            "channels": ["conda-forge"],
            "dependencies": [f"python={python}", "pip", {"pip": requirements}],
            "name": "mlflow-env",
        },
    )
    _dump(folder / "python_env.yaml", {"python": python, "dependencies": ["-r requirements.txt"]})
    (folder / "requirements.txt").write_text("\n".join(requirements) + "\n", encoding="utf-8")


def _python(loader: str, **others: str) -> dict[str, Any]:
    environment = {"conda": "conda.yaml", "virtualenv": "python_env.yaml"}
    return {"loader_module": loader, "python_version": platform.python_version(), "env": environment, **others}


def _single(kinds: Mapping[str, str], wanted: set[str], what: str) -> tuple[str, str]:
    found = [(path, kind) for path, kind in kinds.items() if kind in wanted]
    if len(found) != 1:
        raise Rejected("format", f"expected {what}, once; found {', '.join(path for path, _ in found) or 'none'}")
    return found[0]


def _version(request: Request, package: str) -> str:
    for each in request.requirements:
        name, _, version = each.partition("==")
        if name.strip().lower() == package:
            return version.strip()
    raise Rejected("requirements", f"the request's requirements have no {package}=={'<version>'}")


def _json(folder: Path, name: str) -> dict[str, Any]:
    path = folder / name
    found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
    if not isinstance(found, dict):
        raise Rejected("format", "not there, and a model of transformers needs it", name)
    return found


def _move(folder: Path, path: str, target: str) -> None:
    (folder / target).parent.mkdir(parents=True, exist_ok=True)
    shutil.move(folder / path, folder / target)


def _dump(path: Path, document: Mapping[str, Any]) -> None:
    path.write_text(yaml.safe_dump(dict(document), sort_keys=True, allow_unicode=True), encoding="utf-8")


def _mlflow() -> str:
    from importlib.metadata import version

    return version("mlflow")
