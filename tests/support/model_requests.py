"""Requests and small models for the tests of the intake."""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import sklearn
from safetensors.numpy import save
from sklearn.linear_model import LogisticRegression

from ml_code.platform.marketplace.intake.policy import Policy
from ml_code.platform.marketplace.intake.request import NamedRequest, Request
from tests.support.model_hub import COMMIT, REPOSITORY

CONFIG = {"architectures": ["BertForSequenceClassification"], "torch_dtype": "float32", "hidden_size": 4}


def policy(*sources: str, **changes: Any) -> Policy:
    """The rules of the tests: two licences, and these sources."""
    given = {"licences": ["Apache-2.0", "MIT"], "sources": sources or ["https://huggingface.co"], **changes}
    return Policy.model_validate_json(json.dumps(given))


def request(source: Mapping[str, Any], name: str = "notes", **changes: Any) -> NamedRequest:
    """A request for a scikit-learn model of two columns; `changes` replace or, if None, remove keys."""
    given: dict[str, Any] = {
        "model": "note-sorter",
        "version": 1,
        "source": source,
        "format": "sklearn",
        "requirements": [f"scikit-learn=={sklearn.__version__}"],
        "signature": {
            "inputs": [{"name": "a", "type": "double"}, {"name": "b", "type": "double"}],
            "outputs": [{"type": "long"}],
        },
        "licence": "Apache-2.0",
        "purpose": "sorting of notes by ward",
        "owner": "ward-analysts",
        **changes,
    }
    given = {key: value for key, value in given.items() if value is not None}
    return NamedRequest(name, Request.model_validate_json(json.dumps(given)))


def of_hub(endpoint: str, **changes: Any) -> dict[str, Any]:
    """The repository of the hub at its commit."""
    return {"kind": "huggingface", "repository": REPOSITORY, "revision": COMMIT, "endpoint": endpoint, **changes}


def of_files(kind: str, **files: tuple[str, bytes]) -> dict[str, Any]:
    """Files by their names in the model (dots as __): where each is, and what it must contain."""
    listed = [
        {"at": at, "sha256": hashlib.sha256(content).hexdigest(), "path": name.replace("__", ".")}
        for name, (at, content) in files.items()
    ]
    return {"kind": kind, "files": listed}


@cache
def classifier() -> bytes:
    """A fitted model of two columns as a pickle."""
    rows = np.linspace(0, 1, 40).reshape(20, 2)
    return pickle.dumps(LogisticRegression().fit(rows, (rows[:, 0] > 0.5).astype(int)))


@cache
def tensors() -> bytes:
    """Two small tensors as safetensors."""
    return save({"weight": np.ones((2, 3), "float32"), "bias": np.zeros(3, "float32")})


def transformer_files(**more: bytes) -> dict[str, bytes]:
    """The files of a repository for the format transformers; names with __ for dots."""
    files = {
        "config.json": json.dumps(CONFIG).encode(),
        "tokenizer.json": b'{"version": "1.0"}',
        "tokenizer_config.json": b'{"tokenizer_class": "BertTokenizer"}',
        "vocab.txt": b"[PAD]\n[UNK]\nward\n",
        "model.safetensors": tensors(),
        "README.md": b"---\nlicense: apache-2.0\n---\n# Notes\n",
    }
    return files | {name.replace("__", "."): content for name, content in more.items()}


TRANSFORMERS: dict[str, Any] = {
    "format": "transformers",
    "task": "text-classification",
    "requirements": ["transformers==4.56.2", "torch==2.8.0"],
    "signature": {"inputs": [{"type": "string"}], "outputs": [{"name": "label", "type": "string"}]},
}
