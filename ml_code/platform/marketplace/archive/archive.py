"""The archive of exported versions: files by content, manifests last, one table of exports per workspace.

`marketplace.json` holds the format, `chunks/` the files' content, `versions/<workspace>/<model>/<version>/` manifests,
`exports/<workspace>` Delta tables, `leases/` who is at work; small documents lie in folders of their own.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ml_code.platform.errors import StepError
from ml_code.platform.marketplace.archive.chunks import Chunks, place
from ml_code.platform.marketplace.archive.exports import Exports
from ml_code.platform.marketplace.archive.leases import Leased, lease
from ml_code.platform.marketplace.archive.storage import Storage, StorageError
from ml_code.platform.marketplace.manifest import Damaged, Manifest, NewerFormat, StoredFile

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Archive", "Committed", "Leased", "StorageError"]

FORMAT = 1
"""Of the layout; raised where a reader of the former one would read it wrongly."""
_ABOUT = "marketplace.json"
_WORKSPACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True)
class Committed:
    """A manifest as it lies in the archive; size in bytes."""

    path: str
    sha256: str
    size: int


class Archive:
    """One archive. Threads may use it at once. Every error of the storage is a StorageError with its reason."""

    def __init__(self, storage: Storage, options: Mapping[str, Any]) -> None:
        self._storage = storage
        self._chunks = Chunks(storage)
        self._exports = Exports(storage, options)

    @classmethod
    def open(cls, url: str, options: Mapping[str, Any] | None = None, *, create: bool = False) -> Archive:
        """The archive at an fsspec URL; with `create`, made where there is none. Raises StepError, NewerFormat."""
        storage = Storage(url, options)
        found = storage.read(_ABOUT)
        if found is None:
            if not create:
                raise StepError(f"{url}: no archive of the marketplace; the first export into it makes one")
            storage.add(_ABOUT, json.dumps({"format": FORMAT}).encode())
        else:
            _check_format(f"{url}/{_ABOUT}", found)
        storage.sweep()
        return cls(storage, options or {})

    @property
    def url(self) -> str:
        """Where it is."""
        return self._storage.url

    @property
    def bytes_written(self) -> int:
        """Compressed bytes of the chunks that this object wrote."""
        return self._chunks.bytes_written

    def put(self, path: str, content: Iterable[bytes], wrote: Callable[[int], None] | None = None) -> StoredFile:
        """Stores a file as it streams by; `wrote` hears the compressed bytes of each chunk that was not there yet."""
        return self._chunks.put(path, content, wrote)

    def read(self, file: StoredFile) -> Iterator[bytes]:
        """The file's bytes, each chunk verified before it is handed out and the whole at the end. Raises Damaged."""
        return self._chunks.read(file)

    def commit(self, manifest: Manifest) -> Committed:
        """Writes the manifest, which makes the version exported: call it when every file is stored."""
        document = manifest.to_json()
        sha256 = hashlib.sha256(document).hexdigest()
        version = manifest.version
        path = f"{_folder(manifest.origin.workspace, version.model, version.version)}/{sha256}.json"
        if not self._storage.add(path, document) and self._storage.read(path) != document:
            self._storage.write(path, document)  # damaged since it was first written
        return Committed(path, sha256, len(document))

    def manifest(self, path: str, sha256: str | None = None) -> Manifest:
        """The manifest at a path, verified by its name and, if given, by the sum. Raises Damaged, NewerFormat."""
        document = self._storage.read(path)
        if document is None:
            raise Damaged(f"{path}: no manifest there")
        found = hashlib.sha256(document).hexdigest()
        for expected in (PurePosixPath(path).stem, sha256):
            if expected is not None and found != expected:
                raise Damaged(f"{path}: its SHA-256 is {found} and should be {expected}")
        manifest = Manifest.from_json(document, path)
        for file in (*manifest.model_files, *manifest.artifacts):
            _check_path(path, file.path)
            for chunk in file.chunks:
                place(chunk)
        return manifest

    def manifests(self, workspace: str, model: str | None = None, version: int | None = None) -> list[str]:
        """Paths of the manifests of a workspace, of one of its models, or of one version; versions by number."""
        if version is not None and model is None:
            raise ValueError("a version is one of a model")
        found = self._storage.find(_folder(workspace, model, version))
        return sorted((path for path in found if path.endswith(".json")), key=_by_number)

    def lease(self, name: str, seconds: float = 600) -> AbstractContextManager[None]:
        """Work that one process at a time may do. Raises Leased, which names the holder and until when."""
        return lease(self._storage, name, seconds)

    def append_exports(self, workspace: str, rows: list[dict[str, Any]]) -> None:
        """Adds rows of schema.EXPORTS in one commit; an exported manifest has one row, however often it is given."""
        self._exports.append(_checked(workspace), rows)

    def exports(self, workspaces: Sequence[str] | None, since: date, through: date) -> pa.Table:
        """Rows of the days, both included, of some workspaces or of all."""
        names = self.workspaces() if workspaces is None else [_checked(name) for name in workspaces]
        return self._exports.read(names, since, through)

    def workspaces(self) -> list[str]:
        """Names of the workspaces that have an export table."""
        return self._storage.folders("exports")

    def write_document(self, path: str, document: Any) -> None:
        """Replaces a small JSON document; a reader sees the former or the new one, whole."""
        content = json.dumps(document, sort_keys=True, ensure_ascii=False, indent=1).encode()
        self._storage.write(_document(path), content)

    def read_document(self, path: str) -> Any | None:
        """A JSON document; None: there is none. Raises Damaged."""
        content = self._storage.read(_document(path))
        if content is None:
            return None
        try:
            return json.loads(content)
        except ValueError as error:
            raise Damaged(f"{path}: not JSON ({error})") from None

    def documents(self, folder: str) -> list[str]:
        """Paths of the JSON documents below a folder, sorted."""
        return [path for path in self._storage.find(folder.strip("/")) if path.endswith(".json")]


def _folder(workspace: str, model: str | None, version: int | None) -> str:
    parts = ["versions", _checked(workspace)]
    if model is not None:
        # "." and ".." are the only names that quoting leaves dangerous.
        parts.append(quote(model, safe="") if model.strip(".") else model.replace(".", "%2E"))
    if version is not None:
        parts.append(str(int(version)))
    return "/".join(parts)


def _by_number(path: str) -> tuple[str, int, str]:
    model, version, name = path.rsplit("/", 2)
    return model, int(version) if version.isdigit() else 0, name


def _checked(workspace: str) -> str:
    if not _WORKSPACE.fullmatch(workspace):
        raise StepError(
            f"workspace {workspace!r}: a name in the marketplace is of letters, digits, dots, dashes, underscores, at "
            "most 100, and begins with a letter or digit; change it in infra/settings/marketplace.yaml"
        )
    return workspace


def _document(path: str) -> str:
    if not path.endswith(".json") or ".." in PurePosixPath(path).parts or path.startswith("/"):
        raise StepError(f"{path}: a document of the archive is a relative path that ends with .json")
    return path


def _check_path(manifest: str, path: str) -> None:
    """Importers write files by these paths: none may lead out of its folder."""
    parts = path.split("/")
    if not path or "\\" in path or "\0" in path or any(part in ("", ".", "..") for part in parts):
        raise Damaged(f"{manifest}: {path!r} is not a path below a model's folder")


def _check_format(where: str, content: bytes) -> None:
    try:
        written = int(json.loads(content)["format"])
    except (ValueError, KeyError, TypeError) as error:
        raise Damaged(f"{where}: does not tell the archive's format ({error})") from None
    if written > FORMAT:
        raise NewerFormat(
            f"{where}: the archive has format {written}, this code knows up to {FORMAT}: bring it up to date"
        )
