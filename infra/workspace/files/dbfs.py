"""DBFS: the root that all principals of a workspace share, and volumes under their /Volumes paths."""

from __future__ import annotations

import base64
import binascii
import threading
from pathlib import Path
from typing import Any

from infra.workspace.files.local import Entry, LocalRoot, Upload
from infra.workspace.files.paths import segments
from infra.workspace.files.volumes import VolumeFiles, move
from infra.workspace.gateway.errors import BadRequest, NotFound, NotSupported
from infra.workspace.identity.principal import Principal
from infra.workspace.store.database import Store

_BLOCK = 1024 * 1024


class Dbfs:
    """Databricks' DBFS calls. An open handle lives as long as the process: after a restart the upload starts anew."""

    def __init__(self, store: Store, volumes: VolumeFiles, root: Path, drafts: Path) -> None:
        self._store = store
        self._volumes = volumes
        self._root = LocalRoot(root, "dbfs:", drafts)
        self._uploads: dict[int, tuple[int, Upload]] = {}
        self._lock = threading.Lock()

    def get_status(self, principal: Principal, path: str) -> dict[str, Any]:
        path = _path(path)
        entry = self._volumes.entry(principal, path) if _in_volume(path) else self._root.entry(path)
        return _info(path, entry)

    def list(self, principal: Principal, path: str) -> dict[str, Any]:
        path = _path(path)
        if not self.get_status(principal, path)["is_dir"]:
            return {"files": [self.get_status(principal, path)]}
        entries = self._volumes.entries(principal, path) if _in_volume(path) else self._root.list(path)
        return {"files": [_info(f"{path.rstrip('/')}/{entry.name}", entry) for entry in entries]}

    def read(self, principal: Principal, path: str, offset: int = 0, length: int = _BLOCK // 2) -> dict[str, Any]:
        """At most 1 MB from an offset, in base64; nothing from the end of the file on."""
        if offset < 0 or not 0 < length <= _BLOCK:
            raise BadRequest("offset must be 0 or more, length between 1 and 1048576")
        path = _path(path)
        file = self._volumes.download(principal, path) if _in_volume(path) else self._root.file(path)
        with file.open("rb") as opened:
            opened.seek(offset)
            data = opened.read(length)
        return {"bytes_read": len(data), "data": base64.b64encode(data).decode()}

    def put(self, principal: Principal, path: str, contents: bytes, overwrite: bool) -> dict[str, Any]:
        upload = self.upload(principal, path, overwrite)
        try:
            upload.write(contents)
        except BaseException:
            upload.abort()
            raise
        upload.commit()
        return {}

    def upload(self, principal: Principal, path: str, overwrite: bool) -> Upload:
        path = _path(path)
        if _in_volume(path):
            return self._volumes.upload(principal, path, overwrite)
        return self._root.upload(path, overwrite)

    def create(self, principal: Principal, path: str, overwrite: bool) -> dict[str, Any]:
        upload = self.upload(principal, path, overwrite)
        handle = self._store.next_id("dbfs handle")
        with self._lock:
            self._uploads[handle] = (principal.id, upload)
        return {"handle": handle}

    def add_block(self, principal: Principal, handle: int, data: str) -> dict[str, Any]:
        block = decoded(data)
        if len(block) > _BLOCK:
            raise BadRequest("a block may have at most 1 MB")
        self._open(principal, handle).write(block)
        return {}

    def close(self, principal: Principal, handle: int) -> dict[str, Any]:
        upload = self._open(principal, handle)
        with self._lock:
            del self._uploads[handle]
        upload.commit()
        return {}

    def mkdirs(self, principal: Principal, path: str) -> dict[str, Any]:
        path = _path(path)
        self._volumes.create_directory(principal, path) if _in_volume(path) else self._root.make_directory(path)
        return {}

    def move(self, principal: Principal, source: str, destination: str) -> dict[str, Any]:
        source, destination = _path(source), _path(destination)
        if _in_volume(source) != _in_volume(destination):
            raise NotSupported("dbfs/move between a volume and the DBFS root: copy, then delete")
        if _in_volume(source):
            self._volumes.move(principal, source, destination)
        else:
            move(self._root, source, self._root, destination)
        return {}

    def delete(self, principal: Principal, path: str, recursive: bool) -> dict[str, Any]:
        """What does not exist counts as deleted, as on Databricks."""
        path = _path(path)
        in_volume = _in_volume(path)
        try:
            entry = self._volumes.entry(principal, path) if in_volume else self._root.entry(path)
        except NotFound:
            return {}
        if entry.directory and in_volume:
            self._volumes.delete_directory(principal, path, recursive)
        elif entry.directory:
            self._root.delete_directory(path, recursive)
        elif in_volume:
            self._volumes.delete(principal, path)
        else:
            self._root.delete_file(path)
        return {}

    def _open(self, principal: Principal, handle: int) -> Upload:
        with self._lock:
            owner, upload = self._uploads.get(handle, (None, None))
        if upload is None or owner != principal.id:
            raise NotFound(f"No open stream exists with handle {handle}")
        return upload


def decoded(data: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadRequest("contents must be in base64") from error


def _path(path: str) -> str:
    """The path without `dbfs:`, and without the `/dbfs` that clients put before /Volumes."""
    path = path.removeprefix("dbfs:")
    if path.startswith("/dbfs/Volumes/"):
        path = path.removeprefix("/dbfs")
    if not path.startswith("/"):
        raise BadRequest(f"Path must be absolute: {path}")
    return "/" + "/".join(segments(path))


def _in_volume(path: str) -> bool:
    return path == "/Volumes" or path.startswith("/Volumes/")


def _info(path: str, entry: Entry) -> dict[str, Any]:
    return {
        "path": path,
        "is_dir": entry.directory,
        "file_size": entry.size,
        "modification_time": entry.modified_at,
    }
