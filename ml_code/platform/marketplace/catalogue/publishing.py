"""Putting the pages where people see them: a folder of the workspace, and a static site anywhere fsspec writes.

Pages that are there already with the same content are left alone, and those of models that are gone are removed. What a
former run put there stands in `pages.json` beside them, which is written last: after a kill more is written, not less.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from ml_code.platform.errors import StepError

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

RECORD = "pages.json"
_HTML = "text/html; charset=utf-8"
_AT_ONCE = 8


class Folder(Protocol):
    """Where pages are put, by their paths below it. Threads may use it at once."""

    def paths(self) -> set[str]:
        """Of all files that are there."""
        ...

    def read(self, path: str) -> bytes:
        """A file's content."""
        ...

    def write(self, path: str, content: bytes) -> None:
        """Makes or replaces a file and the folders above it."""
        ...

    def remove(self, path: str) -> None:
        """Removes a file."""
        ...


@dataclass(frozen=True)
class Published:
    """How many pages there are, and how many of them were written and removed now."""

    pages: int
    written: int
    removed: int


def publish(folder: Folder, pages: Mapping[str, bytes]) -> Published:
    """Make the folder's pages these. Files that this has not put there stay."""
    sums = {path: hashlib.sha256(content).hexdigest() for path, content in pages.items()}
    there = folder.paths()
    known = _recorded(folder) if RECORD in there else {}
    changed = [path for path in pages if path not in there or known.get(path) != sums[path]]
    gone = [path for path in known if path not in pages and path in there]
    if changed or gone:
        # What a kill leaves behind must not count as put there, and must be known as ours.
        unsure: dict[str, str] = dict.fromkeys((*changed, *gone), "")
        folder.write(RECORD, _record({**known, **unsure}))
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(lambda path: folder.write(path, pages[path]), changed))
            list(pool.map(folder.remove, gone))
    if sums != known:
        folder.write(RECORD, _record(sums))
    return Published(len(pages), len(changed), len(gone))


class WorkspaceFolder:
    """A folder of the workspace tree."""

    def __init__(self, workspace: WorkspaceClient, path: str) -> None:
        self.path = "/" + path.strip("/")
        self._files = workspace.workspace
        self._made: set[str] = set()

    def paths(self) -> set[str]:
        from databricks.sdk.errors import NotFound
        from databricks.sdk.service.workspace import ObjectType

        try:
            found = list(self._files.list(self.path, recursive=True))
        except NotFound:
            return set()
        prefix = self._prefix(str(found[0].path)) if found else ""
        return {str(each.path).removeprefix(prefix) for each in found if each.object_type == ObjectType.FILE}

    def read(self, path: str) -> bytes:
        with self._files.download(f"{self.path}/{path}") as content:
            return bytes(content.read())

    def write(self, path: str, content: bytes) -> None:
        from databricks.sdk.service.workspace import ImportFormat

        where = f"{self.path}/{path}"
        parent = where.rpartition("/")[0]
        if parent not in self._made:
            self._files.mkdirs(parent)
            self._made.add(parent)
        # RAW: a page that is imported by its name alone would become a notebook.
        self._files.upload(where, content, format=ImportFormat.RAW, overwrite=True)

    def remove(self, path: str) -> None:
        from databricks.sdk.errors import NotFound

        try:
            self._files.delete(f"{self.path}/{path}")
        except NotFound:
            return

    def _prefix(self, listed: str) -> str:
        """Listings name paths with or without /Workspace, whichever way the folder was named."""
        bare = self.path.removeprefix("/Workspace")
        return f"/Workspace{bare}/" if listed.startswith("/Workspace/") else f"{bare}/"


class Site:
    """A static site: a folder on disk or in object storage, as an fsspec URL."""

    def __init__(self, url: str, options: Mapping[str, Any] | None = None) -> None:
        import fsspec

        self.url = url.rstrip("/")
        self._files, self._root = fsspec.core.url_to_fs(self.url, **(options or {}))
        protocol = self._files.protocol
        self._protocols = {protocol} if isinstance(protocol, str) else set(protocol)

    def paths(self) -> set[str]:
        self._files.invalidate_cache()
        try:
            found = self._files.find(self._root)
        except FileNotFoundError:
            return set()
        return {str(path).removeprefix(f"{self._root}/") for path in found}

    def read(self, path: str) -> bytes:
        return bytes(self._files.cat_file(f"{self._root}/{path}"))

    def write(self, path: str, content: bytes) -> None:
        where = f"{self._root}/{path}"
        try:
            if "file" in self._protocols:  # object stores have no folders to make
                self._files.makedirs(where.rpartition("/")[0], exist_ok=True)
            self._files.pipe_file(where, content, **(self._typed() if path.endswith(".html") else {}))
        except OSError as error:
            raise StepError(f"{self.url}/{path}: could not be written ({error})") from error

    def remove(self, path: str) -> None:
        self._files.rm_file(f"{self._root}/{path}")

    def _typed(self) -> dict[str, Any]:
        """Object stores that serve a site answer with the type that is kept beside the file; each names it its way."""
        if "s3" in self._protocols:
            return {"ContentType": _HTML}
        if "gs" in self._protocols:
            return {"content_type": _HTML}
        return {"content_settings": {"content_type": _HTML}} if "abfs" in self._protocols else {}


def _recorded(folder: Folder) -> dict[str, str]:
    try:
        found = json.loads(folder.read(RECORD))
    except ValueError:
        return {}
    return {str(path): str(digest) for path, digest in found.items()} if isinstance(found, dict) else {}


def _record(sums: Mapping[str, str]) -> bytes:
    return json.dumps(sums, sort_keys=True, indent=1).encode()
