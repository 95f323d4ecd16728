"""What files are by their content, whatever they are called."""

from __future__ import annotations

import gzip
import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import FunctionTransformer

from ml_code.platform.marketplace.intake.findings import Rejected
from ml_code.platform.marketplace.intake.kinds import kind_of
from ml_code.platform.marketplace.intake.pickles import Name
from tests.support.model_requests import classifier, policy, tensors

RULES = policy()
EVIL = b"cos\nsystem\n(S'id'\ntR."


def kind(tmp_path: Path, name: str, content: bytes, **changes: Any) -> str:
    path = tmp_path / name
    path.write_bytes(content)
    return kind_of(path, name, policy(**changes) if changes else RULES)


def zipped(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", ".").replace("--", "/"), content)
    return out.getvalue()


def arrays(**named: np.ndarray[Any, Any]) -> bytes:
    out = io.BytesIO()
    np.savez(out, **named)  # type: ignore[arg-type]  # its stub takes a flag by keyword
    return out.getvalue()


def array(value: np.ndarray[Any, Any]) -> bytes:
    out = io.BytesIO()
    np.save(out, value)
    return out.getvalue()


def objects() -> np.ndarray[Any, Any]:
    return np.array([Name("a", "b")], dtype=object)


def torch_file(data: bytes) -> bytes:
    return zipped(**{"model--data__pkl": data, "model--data--0": b"\0" * 16, "model--version": b"3\n"})


STORAGE = b"\x80\x02(\x8c\x07storagectorch\nFloatStorage\n\x8c\x010\x8c\x03cpuK\x04tQ."


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("model.safetensors", tensors(), "safetensors"),
        ("config.json", b'{"a": 1}', "json"),
        ("README.md", "# Stations, gr\u00f6\u00dfere\n".encode(), "text"),
        ("model.pkl", classifier(), "pickle"),
        ("weights.data", classifier(), "pickle"),
        ("model.skops", skops.io.dumps(LogisticRegression()), "skops"),
        ("pytorch_model.bin", torch_file(STORAGE), "torch"),
        ("a.npy", array(np.arange(3)), "npy"),
        ("a.npz", arrays(x=np.arange(3)), "npz"),
        ("picture.png", b"\x89PNG\r\n\x1a\n" + bytes(8), "picture"),
        ("tokenizer.model", b"\x0a\x0e\x0a\x05<unk>\x15\x00\x00\x00\x00\x18\x02", "sentencepiece"),
    ],
)
def test_known_kinds(tmp_path: Path, name: str, content: bytes, expected: str) -> None:
    assert kind(tmp_path, name, content) == expected


@pytest.mark.parametrize(
    ("name", "content", "rule", "told"),
    [
        ("model.pkl", EVIL, "pickle", "os.system"),
        ("notes.txt", EVIL + b"and more words", "pickle", "it would call os.system"),
        ("weights.dat", pickle.dumps(1)[:-1] + b"cos\nsystem\n.", "pickle", "os.system"),
        ("pytorch_model.bin", torch_file(EVIL), "pickle", "os.system"),
        ("pytorch_model.bin", torch_file(STORAGE)[:-30], "format", "cannot be read"),
        ("scripted.pt", zipped(**{"m--data__pkl": STORAGE, "m--code--a__py": b"x"}), "code", "TorchScript"),
        ("model.skops", skops.io.dumps(FunctionTransformer(print)), "pickle", "print"),
        ("a.npy", array(objects()), "pickle", "array of objects"),
        ("a.npz", arrays(x=np.arange(2), y=objects()), "pickle", "array of objects"),
        ("bomb.npz", zipped(a__npy=bytes(3_000_000)), "bomb", "would become"),
        ("model.safetensors", tensors()[:-1], "format", "not whole safetensors"),
        ("model.safetensors", tensors() + b"PK", "format", "not whole safetensors"),
        ("model.safetensors", classifier(), "format", "not whole safetensors"),
        ("modeling.py", b"x = 1\n", "code", "code of others"),
        ("run", b"#!/bin/sh\n", "code", "a program or a script"),
        ("lib.bin", b"\x7fELF" + bytes(20), "code", "a program or a script"),
        ("model.gguf", b"GGUF" + bytes(20), "format", "GGUF"),
        ("model.h5", b"\x89HDF\r\n\x1a\n" + bytes(20), "format", "HDF5"),
        ("model.keras", zipped(config__json=b"{}"), "format", "no known format"),
        ("more.tar.gz", gzip.compress(b"x"), "format", "gzip"),
        ("page.txt", b"words" + zipped(a=b"b"), "format", "zip archive at its end"),
        ("blob", bytes(range(256)), "format", "no known format"),
        ("zero.txt", b"a\0b", "format", "zero bytes"),
        ("config.json", b"{", "format", "not JSON"),
        ("config.json", b'{"auto_map": {"AutoModel": "other/repo--m.C"}}', "code", "auto_map"),
        ("up.npz", zipped(**{"..--a__npy": array(np.arange(2))}), "traversal", "leads out"),
    ],
)
def test_what_is_refused(tmp_path: Path, name: str, content: bytes, rule: str, told: str) -> None:
    with pytest.raises(Rejected) as refused:
        kind(tmp_path, name, content)
    assert refused.value.finding.rule == rule
    assert told in refused.value.finding.told
    assert refused.value.finding.file.startswith(name)


def test_the_format_of_joblib_is_refused_with_what_to_do(tmp_path: Path) -> None:
    import joblib

    joblib.dump(LogisticRegression().fit([[0.0], [1.0]], [0, 1]), tmp_path / "model.joblib")
    with pytest.raises(Rejected, match="joblib mixes arrays into its pickles"):
        kind_of(tmp_path / "model.joblib", "model.joblib", RULES)


def test_limits_of_the_policy(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="none may come in"):
        kind(tmp_path, "model.pkl", classifier(), pickles={"allowed": False})
    with pytest.raises(Rejected, match="at most 1 MiB are checked"):
        kind(tmp_path, "model.pkl", pickle.dumps(b"a" * 2**20), limits={"pickle": 1})
    with pytest.raises(Rejected, match="too large to be read as text"):
        kind(tmp_path, "vocab.txt", b"a" * (2**20 + 1), limits={"text": 1})
    with pytest.raises(Rejected, match="at most 1 may be"):
        kind(tmp_path, "a.npz", arrays(x=np.arange(2), y=np.arange(2)), limits={"files": 1})


def test_nothing_is_imported_or_run_to_find_a_kind(tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    content = f"cos\nsystem\n(S'touch {witness}'\ntR.".encode()
    for name in ("a.pkl", "a.txt", "a.bin", "a.joblib"):
        with pytest.raises(Rejected):
            kind(tmp_path, name, content)
    assert not witness.exists()
