"""A repository of the Hugging Face Hub at a commit: the files that are needed, each held against the Hub's own sum."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatch
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ml_code.platform.errors import StepError
from ml_code.platform.marketplace.intake.findings import Finding, Rejected
from ml_code.platform.marketplace.intake.kinds import unsafe_path
from ml_code.platform.marketplace.intake.policy import Policy
from ml_code.platform.marketplace.intake.request import HuggingFace

_BLOCK = 1024 * 1024
_WORDS = ("*.json", "*.txt", "*.model", "*.jinja", "*.md", "LICENSE*", "NOTICE*")
_WEIGHTS = {
    "transformers": (("*.safetensors",), ("pytorch_model*.bin",)),
    "sklearn": (("*.skops",), ("*.pkl", "*.pickle", "*.joblib")),
    "lightgbm": (("*.lgb", "model.txt", "*.model"),),
    "mlflow": (("*",),),
}
"""Patterns by format, the preferred ones first: others are taken only where a repository has none of those."""


@dataclass(frozen=True)
class HubFile:
    """A file as the Hub lists it: git's SHA-1 of small ones, the SHA-256 of those in large file storage."""

    path: str
    size: int
    blob: str
    sha256: str | None


@dataclass(frozen=True)
class Repository:
    """What was fetched: the licence that the repository states, and what is to be noted."""

    licence: str
    notes: tuple[Finding, ...]


def fetch_repository(source: HuggingFace, format: str, folder: Path, policy: Policy) -> Repository:
    """Fetches the files that the format needs. Raises Rejected, or StepError where the Hub does not give them."""
    if not policy.is_source(source.endpoint):
        raise Rejected("source", f"{source.endpoint} is not an address that the policy allows")
    listed, licence = _listed(source)
    taken, notes = _choose(listed, format, source.files)
    if not taken:
        raise Rejected("source", f"{source.repository} has no file of the format {format} at {source.revision}")
    if (size := sum(file.size for file in taken)) > policy.limits.total * _BLOCK:
        raise Rejected("size", f"{size:,} bytes; at most {policy.limits.total:,} MiB may be taken in")
    if len(taken) > policy.limits.files:
        raise Rejected("size", f"{len(taken)} files; at most {policy.limits.files} may be taken in")
    for file in taken:
        unsafe_path(file.path, file.path)
        _verify(file, _download(source, file, folder))
    return Repository(licence, tuple(notes))


def _listed(source: HuggingFace) -> tuple[list[HubFile], str]:
    from huggingface_hub import HfApi

    try:
        found = HfApi(endpoint=source.endpoint).model_info(
            source.repository, revision=source.revision, files_metadata=True, timeout=60
        )
    except _not_given_errors() as error:
        raise StepError(_not_given(source, error)) from error
    if found.sha != source.revision:
        raise Rejected("source", f"the Hub answers with revision {found.sha} where {source.revision} was asked for")
    files = [
        HubFile(each.rfilename, each.size or 0, each.blob_id or "", each.lfs.sha256 if each.lfs else None)
        for each in found.siblings or ()
    ]
    stated: Any = found.card_data.get("license") if found.card_data else None
    stated = stated or next(
        (tag.removeprefix("license:") for tag in found.tags or () if tag.startswith("license:")), ""
    )
    return files, str(stated if not isinstance(stated, list) else " ".join(stated))


def _choose(listed: list[HubFile], format: str, patterns: Iterable[str]) -> tuple[list[HubFile], list[Finding]]:
    """The files to take, and notes of what is left out and why."""
    if wanted := tuple(patterns):
        return [file for file in listed if _matches(file, wanted)], []
    notes: list[Finding] = []
    weights: list[HubFile] = []
    for preference, each in enumerate(_WEIGHTS[format]):
        weights = [file for file in listed if _matches(file, each)]
        if weights:
            if preference:
                told = f"only {', '.join(each)}: pickles, where safe formats are preferred"
                notes.append(Finding("preference", "note", told))
            break
    if not weights:
        return [], []
    words = [file for file in listed if _matches(file, _WORDS) and "/" not in file.path and file not in weights]
    taken = [*weights, *words]
    if left := [file.path for file in listed if file not in taken and file.path != ".gitattributes"]:
        notes.append(Finding("left out", "note", f"not needed and not fetched: {', '.join(left[:20])}"))
    return taken, notes


def _matches(file: HubFile, patterns: Iterable[str]) -> bool:
    return any(fnmatch(file.path, pattern) for pattern in patterns)


def _download(source: HuggingFace, file: HubFile, folder: Path) -> Path:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    try:
        return Path(
            hf_hub_download(
                source.repository,
                file.path,
                revision=source.revision,
                endpoint=source.endpoint,
                local_dir=folder,
            )
        )
    except _not_given_errors() as error:
        raise StepError(_not_given(source, error)) from error


def _verify(file: HubFile, path: Path) -> None:
    """Raises Rejected where the file is not the one that the commit holds."""
    size = path.stat().st_size
    known = hashlib.sha256() if file.sha256 else hashlib.sha1(f"blob {size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            known.update(block)
    if known.hexdigest() != (file.sha256 or file.blob):
        raise Rejected(
            "sum", f"its sum is {known.hexdigest()}, but the commit has {file.sha256 or file.blob}", file.path
        )


def _not_given_errors() -> tuple[type[Exception], ...]:
    """The Hub's own, and those of the HTTP library, which is one or the other by huggingface_hub's version."""
    from huggingface_hub.errors import HfHubHTTPError

    libraries = [import_module(name) for name in ("httpx", "httpx2") if find_spec(name)]
    return (HfHubHTTPError, OSError, *(library.HTTPError for library in libraries))


def _not_given(source: HuggingFace, error: Exception) -> str:
    said = (str(error).strip() or type(error).__name__).splitlines()[0][:300]
    return (
        f"{source.address} at {source.revision} cannot be fetched: {said}. Where its owners must admit readers,"
        " HF_TOKEN must be of one that they have admitted"
    )
