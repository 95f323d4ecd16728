"""Lakeview dashboards: each creation and change publishes what it made."""

import hashlib
from pathlib import Path
from typing import Any

from tf.types import Unknown

from infra.workspace.terraform.planning import State
from infra.workspace.terraform.resource import Refused, Resource, pick, resource
from infra.workspace.terraform.session import Api, RestError, segment

_DASHBOARDS = "/api/2.0/lakeview/dashboards"
_READ = (
    "create_time",
    "dashboard_id",
    "display_name",
    "etag",
    "lifecycle_state",
    "parent_path",
    "path",
    "serialized_dashboard",
    "update_time",
    "warehouse_id",
)


@resource("databricks_dashboard")
class Dashboard(Resource):
    """The workspace answers a dashboard's text in its own spelling: what the configuration gave is known by its MD5."""

    def create(self, api: Api, new: State) -> str:
        body = self._body(new)
        try:
            answer = api.post(_DASHBOARDS, body)
        except RestError as error:
            if not _is_about_the_folder(error):
                raise
            api.post("/api/2.0/workspace/mkdirs", {"path": new["parent_path"]})
            answer = api.post(_DASHBOARDS, body)
        identifier = str(answer["dashboard_id"])
        new["etag"] = answer.get("etag")
        self._publish(api, identifier, new)
        return identifier

    def read(self, api: Api, known: State) -> State | None:
        answer = api.get(_address(known["id"]))
        if answer.get("lifecycle_state") == "TRASHED":
            return None
        changed = answer.get("etag") != known.get("etag")
        return {**{name: answer.get(name) for name in _READ}, "dashboard_change_detected": changed}

    def update(self, api: Api, old: State, new: State) -> str | None:
        answer = api.patch(_address(old["id"]), {**self._body(new), "etag": old.get("etag")})
        new["etag"] = answer.get("etag")
        self._publish(api, old["id"], new)
        return None

    def delete(self, api: Api, old: State) -> None:
        try:
            api.delete(_address(old["id"]))
        except RestError as error:
            if error.status != 403 or api.get(_address(old["id"])).get("lifecycle_state") != "TRASHED":
                raise

    def existing(self, api: Api, new: State, since_ms: int) -> str | None:
        path = f"{new['parent_path'].rstrip('/')}/{new['display_name']}.lvdash.json"
        return str(api.get("/api/2.0/workspace/get-status", {"path": path})["resource_id"])

    def plan(self, api: Api | None, old: State | None, new: State) -> None:
        """No change of the text where the configuration's is what was applied, and nobody else has changed it."""
        if old is None or Unknown in (new.get("serialized_dashboard"), new.get("file_path")):
            return
        if _md5(_text(new)) == old.get("md5") and not old.get("dashboard_change_detected"):
            new["serialized_dashboard"] = old.get("serialized_dashboard")

    def check(self, config: State) -> list[str]:
        path = config.get("file_path")
        if not isinstance(path, str):
            return []
        if not Path(path).is_absolute():
            return [f"file_path {path!r} is relative, but the provider runs in the workspace's process: use abspath(…)"]
        return [] if Path(path).is_file() else [f"File {path} does not exist"]

    def _body(self, new: State) -> dict[str, Any]:
        text = _text(new)
        new["md5"] = _md5(text)
        return {**pick(new, "display_name", "parent_path", "warehouse_id"), "serialized_dashboard": text}

    def _publish(self, api: Api, identifier: str, new: State) -> None:
        """A dashboard that cannot be published does not stay either, as with the real provider."""
        body = {"warehouse_id": new["warehouse_id"], "embed_credentials": bool(new.get("embed_credentials"))}
        try:
            api.post(f"{_address(identifier)}/published", body)
        except RestError:
            api.delete(_address(identifier))
            raise


def _address(identifier: Any) -> str:
    return f"{_DASHBOARDS}/{segment(identifier)}"


def _text(state: State) -> str:
    """The dashboard's text as the configuration gives it; Refused when its file cannot be read."""
    path = state.get("file_path")
    if not path:
        return str(state.get("serialized_dashboard") or "")
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"cannot read the dashboard's file {path}: {error}") from error


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _is_about_the_folder(error: RestError) -> bool:
    return str(error).startswith("Path (") and str(error).endswith(") doesn't exist.")
