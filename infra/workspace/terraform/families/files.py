"""Directories, files and notebooks of the workspace, and files in volumes."""

import base64
import hashlib
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from tf.types import Unknown

from infra.workspace.terraform.planning import State
from infra.workspace.terraform.resource import Refused, Resource, pick, resource
from infra.workspace.terraform.session import Api, RestError

_WORKSPACE = "/api/2.0/workspace"
_LANGUAGES = {
    ".py": ("PYTHON", "SOURCE"),
    ".sql": ("SQL", "SOURCE"),
    ".scala": ("SCALA", "SOURCE"),
    ".r": ("R", "SOURCE"),
    ".ipynb": ("PYTHON", "JUPYTER"),
}


def _content(state: State) -> bytes:
    """The bytes that the configuration gives; Refused when a source cannot be read."""
    if state.get("content_base64"):
        return base64.b64decode(state["content_base64"])
    source = state.get("source")
    if not source:
        return b""
    try:
        return Path(source).read_bytes()
    except OSError as error:
        raise Refused(f"cannot read the source {source}: {error.strerror}") from error


def _source_problems(config: State) -> list[str]:
    source = config.get("source")
    if not isinstance(source, str):
        return []
    if not Path(source).is_absolute():
        return [f"source {source!r} is relative, but the provider runs in the workspace's process: use abspath(…)"]
    return [] if Path(source).is_file() else [f"File {source} does not exist"]


class _Content(Resource):
    """A file whose content the configuration gives: the plan compares its MD5 digest."""

    def plan(self, api: Api | None, old: State | None, new: State) -> None:
        if new.get("md5") not in (None, Unknown):
            return
        if Unknown in (new.get("content_base64"), new.get("source")):
            new["md5"] = Unknown
            return
        new["md5"] = hashlib.md5(_content(new), usedforsecurity=False).hexdigest()

    def check(self, config: State) -> list[str]:
        return _source_problems(config)


def _status(api: Api, path: str) -> dict[str, Any]:
    return api.get(f"{_WORKSPACE}/get-status", {"path": path})


def _import(api: Api, body: State) -> None:
    """Imports an object, making its folder first when there is none."""
    try:
        api.post(f"{_WORKSPACE}/import", body)
    except RestError as error:
        if "parent folder" not in str(error).lower() and "parent directory" not in str(error).lower():
            raise
        api.post(f"{_WORKSPACE}/mkdirs", {"path": str(PurePosixPath(body["path"]).parent)})
        api.post(f"{_WORKSPACE}/import", body)


@resource("databricks_directory")
class Directory(Resource):
    def create(self, api: Api, new: State) -> str:
        api.post(f"{_WORKSPACE}/mkdirs", {"path": new["path"]})
        return str(new["path"])

    def read(self, api: Api, known: State) -> State | None:
        answer = _status(api, known["id"])
        path = answer["path"]
        return {"path": path, "object_id": answer.get("object_id"), "workspace_path": f"/Workspace{path}"}

    def update(self, api: Api, old: State, new: State) -> str | None:
        return None

    def delete(self, api: Api, old: State) -> None:
        api.post(f"{_WORKSPACE}/delete", {"path": old["id"], "recursive": bool(old.get("delete_recursive"))})


@resource("databricks_workspace_file")
class WorkspaceFile(_Content):
    def create(self, api: Api, new: State) -> str:
        self._write(api, new["path"], new)
        return str(new["path"])

    def _write(self, api: Api, path: str, state: State) -> None:
        content = base64.b64encode(_content(state)).decode()
        _import(api, {"path": path, "format": "RAW", "content": content, "overwrite": True})

    def read(self, api: Api, known: State) -> State | None:
        answer = _status(api, known["id"])
        return {
            "path": answer["path"],
            "object_id": answer.get("object_id"),
            "url": f"{api.host}/#workspace{known['id']}",
            "workspace_path": f"/Workspace{known['id']}",
        }

    def update(self, api: Api, old: State, new: State) -> str | None:
        self._write(api, old["id"], new)
        return None

    def delete(self, api: Api, old: State) -> None:
        api.post(f"{_WORKSPACE}/delete", {"path": old["id"], "recursive": False})


@resource("databricks_notebook")
class Notebook(_Content):
    def create(self, api: Api, new: State) -> str:
        self._write(api, new["path"], new)
        return str(new["path"])

    def _write(self, api: Api, path: str, state: State) -> None:
        language, form = _LANGUAGES.get(Path(str(state.get("source") or "")).suffix.lower(), ("PYTHON", "SOURCE"))
        body = {
            "path": path,
            "content": base64.b64encode(_content(state)).decode(),
            "language": state.get("language") or language,
            "format": state.get("format") or form,
            "overwrite": True,
        }
        _import(api, body)
        state["format"] = body["format"]

    def read(self, api: Api, known: State) -> State | None:
        answer = _status(api, known["id"])
        return {
            **pick(answer, "path", "language", "object_id", "object_type"),
            "format": known.get("format") or "SOURCE",
            "url": f"{api.host}/#workspace{known['id']}",
            "workspace_path": f"/Workspace{known['id']}",
        }

    def update(self, api: Api, old: State, new: State) -> str | None:
        self._write(api, old["id"], new)
        return None

    def delete(self, api: Api, old: State) -> None:
        api.post(f"{_WORKSPACE}/delete", {"path": old["id"], "recursive": False})


@resource("databricks_file")
class File(_Content):
    def create(self, api: Api, new: State) -> str:
        api.upload(self._path(new["path"]), _content(new), {"overwrite": True})
        return str(new["path"])

    def _path(self, path: str) -> str:
        return f"/api/2.0/fs/files{quote(path)}"

    def read(self, api: Api, known: State) -> State | None:
        headers = api.head(self._path(known["id"]))
        modified = headers.get("Last-Modified")
        return {
            "path": known["id"],
            "file_size": int(headers.get("Content-Length", 0)),
            "modification_time": modified,
            "remote_file_modified": bool(known.get("modification_time")) and known["modification_time"] != modified,
        }

    def update(self, api: Api, old: State, new: State) -> str | None:
        api.upload(self._path(old["id"]), _content(new), {"overwrite": True})
        new["modification_time"] = None
        return None

    def delete(self, api: Api, old: State) -> None:
        api.delete(self._path(old["id"]))
