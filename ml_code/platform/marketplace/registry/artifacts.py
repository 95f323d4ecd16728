"""Files below an artifact URI: streamed from the server where it keeps them itself, opened where they are on a disk of
this machine, else fetched by MLflow's own ways.
"""

from __future__ import annotations

import os
import posixpath
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from ml_code.platform.marketplace.registry.http import Missing, Rest, Unreachable

_API = "/api/2.0/mlflow-artifacts/artifacts"
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Found:
    """A file below a root; `size` in bytes where the listing tells it."""

    root: str
    path: str
    size: int | None


class Artifacts:
    """The files of one tracking server's runs and models, and of its registry's versions."""

    def __init__(self, rest: Rest, tracking_uri: str, registry_uri: str) -> None:
        self._rest = rest
        self._uris = (tracking_uri, registry_uri)

    def files(self, root: str, without: str | None = None) -> list[Found]:
        """All files below an artifact URI, by path; those below the folder `without`, itself a URI, are left out."""
        left_out = below(root, without) if without else None
        return sorted(self._walk(root, "", left_out), key=lambda file: file.path)

    def read(self, file: Found) -> Iterator[bytes]:
        """A file's content, block by block. Raises http.Refused and its kinds, and http.Unreachable."""
        if (local := _local(file.root)) is not None:
            return _blocks(local / file.path)
        place = self._proxied(file.root)
        if place is None:
            return self._by_mlflow(file)
        return self._rest.stream(f"{_API}/{quote(_joined(place, file.path))}", file.size)

    def _walk(self, root: str, folder: str, left_out: str | None) -> Iterator[Found]:
        for path, is_folder, size in self._listed(root, folder):
            if path == left_out:
                continue
            if is_folder:
                yield from self._walk(root, path, left_out)
            else:
                yield Found(root, path, size)

    def _listed(self, root: str, folder: str) -> list[tuple[str, bool, int | None]]:
        """Entries of a folder: path below the root, whether it is a folder, size."""
        if (local := _local(root)) is not None:
            return _entries(local, folder)
        place = self._proxied(root)
        if place is not None:
            try:
                answer = self._rest.call("GET", _API, {"path": _joined(place, folder)})
            except Missing:
                return []
            return [
                (
                    _joined(folder, posixpath.basename(str(each["path"]))),
                    bool(each.get("is_dir")),
                    int(each["file_size"]) if each.get("file_size") else None,
                )
                for each in answer.get("files", [])
            ]
        listed = self._repository(root).list_artifacts(folder or None)
        return [(str(each.path), bool(each.is_dir), each.file_size) for each in listed]

    def _by_mlflow(self, file: Found) -> Iterator[bytes]:
        """Through a temporary file: MLflow's repositories fetch whole files."""
        folder = tempfile.mkdtemp(prefix="branchline-")
        try:
            yield from _blocks(Path(self._repository(file.root).download_artifacts(file.path, folder)))
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _repository(self, root: str) -> Any:
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        return get_artifact_repository(root, *self._uris)

    def _proxied(self, root: str) -> str | None:
        """The place below the server's own artifact root; None where the files are elsewhere."""
        parts = urlsplit(root)
        if parts.scheme != "mlflow-artifacts" or (parts.netloc and parts.netloc != urlsplit(self._rest.url).netloc):
            return None
        return parts.path.strip("/")


def below(root: str, uri: str) -> str | None:
    """The path of a URI below another; None where it is not."""
    base = root.rstrip("/") + "/"
    return uri.rstrip("/").removeprefix(base) if uri.startswith(base) else None


def _local(root: str) -> Path | None:
    """The folder that a URI names, where it is one of this machine (or mounted on it)."""
    if root.startswith("/"):
        return Path(root)
    parts = urlsplit(root)
    if parts.scheme == "file" and parts.netloc in ("", "localhost"):
        return Path(unquote(parts.path))
    return None


def _entries(root: Path, folder: str) -> list[tuple[str, bool, int | None]]:
    try:
        with os.scandir(root / folder) as found:
            return [
                (_joined(folder, each.name), each.is_dir(), None if each.is_dir() else each.stat().st_size)
                for each in found
            ]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise Unreachable(f"{root / folder}: {error.strerror}") from error


def _blocks(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as content:
            while block := content.read(_BLOCK):
                yield block
    except FileNotFoundError:
        raise Missing(f"{path}: no such file", 404, "RESOURCE_DOES_NOT_EXIST") from None
    except OSError as error:
        raise Unreachable(f"{path}: {error.strerror}") from error


def _joined(*parts: str) -> str:
    return "/".join(part.strip("/") for part in parts if part.strip("/"))
