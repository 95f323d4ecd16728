"""Dashboards as the Lakeview API knows them: a draft that is edited, and the revision of it that was published."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from infra.workspace.control.clock import Clock
from infra.workspace.dashboards import serialized
from infra.workspace.dashboards.shown import Shown
from infra.workspace.files import paths
from infra.workspace.files.service import FilesService
from infra.workspace.files.tree import Node, number_of
from infra.workspace.gateway.errors import (
    AlreadyExists,
    BadRequest,
    Conflict,
    NotFound,
    NotSupported,
    PermissionDenied,
)
from infra.workspace.identity.permissions import Permissions
from infra.workspace.identity.principal import Principal
from infra.workspace.sql.warehouses import OBJECT_TYPE as WAREHOUSE
from infra.workspace.sql.warehouses import WarehouseBook
from infra.workspace.store.database import Store
from infra.workspace.store.documents import Documents

Body = Mapping[str, Any]
Answer = dict[str, Any]
_TYPE, _PERMISSION_TYPE = "DASHBOARD", "dashboards"
_SUFFIX = ".lvdash.json"
_PAGE_SIZE, _MOST = 20, 1000
_FIRST_ETAG = 10_000_001
_LISTED = ("dashboard_id", "display_name", "warehouse_id", "lifecycle_state", "create_time")
_ANSWERED = (*_LISTED, "etag", "path", "parent_path", "update_time", "serialized_dashboard")


class DashboardsService:
    """The dashboards of a workspace; each is an object of the workspace tree with the permissions of one."""

    def __init__(
        self, store: Store, clock: Clock, permissions: Permissions, files: FilesService, warehouses: WarehouseBook
    ) -> None:
        self._store = store
        self._clock = clock
        self._permissions = permissions
        self._files = files
        self._warehouses = warehouses
        self._documents = Documents(store, "dashboards")
        files.before_removal(_TYPE, self._trashed)
        files.export_as(_TYPE, lambda node: str(self._kept(node.resource_id)["serialized_dashboard"]).encode())

    def create(self, principal: Principal, body: Body, catalog: str | None = None, schema: str | None = None) -> Answer:
        """Makes a draft. Its folder must exist: Terraform's provider makes it when it meets these very words."""
        name = _display_name(body)
        folder = paths.workspace_path(str(body.get("parent_path") or f"/Users/{principal.name}"))
        text = serialized.kept(str(body.get("serialized_dashboard") or "{}"), catalog, schema)
        self._files.mkdirs(principal, f"/Users/{principal.name}")
        if self._files.tree.find(folder) is None:
            raise NotFound(f"Path ({folder}) doesn't exist.")
        path = _path(folder, name)
        self._files.require_parent(principal, path)
        with self._store.write():
            node = self._files.add(principal, path, _TYPE)
            now = self._now()
            dashboard = {
                "dashboard_id": node.resource_id,
                "display_name": name,
                "warehouse_id": str(body.get("warehouse_id") or ""),
                "lifecycle_state": "ACTIVE",
                "create_time": now,
                "serialized_dashboard": text,
            }
            return self._put(dashboard)

    def get(self, principal: Principal, id: str) -> Answer:
        return self._answer(self._require(principal, id, "CAN_READ"))

    def update(
        self, principal: Principal, id: str, body: Body, catalog: str | None = None, schema: str | None = None
    ) -> Answer:
        """Changes what is given of a draft; with an etag only if nobody changed it since. The published stays."""
        with self._store.write():
            dashboard = self._active(principal, id, "CAN_EDIT")
            if body.get("etag") and str(body["etag"]) != dashboard["etag"]:
                raise Conflict(
                    f"dashboard {id} was changed by somebody else: its etag is {dashboard['etag']}, not {body['etag']};"
                    " get it again and repeat the change"
                )
            changed = dict(dashboard)
            if body.get("display_name"):
                changed["display_name"] = _display_name(body)
            self._move(principal, changed, body)
            if body.get("serialized_dashboard"):
                changed["serialized_dashboard"] = serialized.kept(str(body["serialized_dashboard"]), catalog, schema)
            if body.get("warehouse_id"):
                changed["warehouse_id"] = str(body["warehouse_id"])
            return self._put(changed)

    def list(self, principal: Principal, page_size: int | None, page_token: str | None, show_trashed: bool) -> Answer:
        """The dashboards that the caller may read, oldest first; a page token is the id that the next page follows."""
        size = page_size or _PAGE_SIZE
        if not 0 < size <= _MOST:
            raise BadRequest(f"page_size is at most {_MOST} and at least 1, not {size}")
        found = [each for each in self._readable(principal, show_trashed) if each["dashboard_id"] > (page_token or "")]
        answer: Answer = {"dashboards": [{key: each[key] for key in _LISTED if each[key]} for each in found[:size]]}
        return {**answer, "next_page_token": found[size - 1]["dashboard_id"]} if len(found) > size else answer

    def trash(self, principal: Principal, id: str) -> Answer:
        """Moves a dashboard to the trash, published and all; what is in the trash already is refused with 403."""
        with self._store.write():  # the dashboard and its object in the tree, both or neither
            self._active(principal, id, "CAN_MANAGE")
            return self._files.delete(principal, self._node(id).path, False)

    def publish(self, principal: Principal, id: str, body: Body) -> Answer:
        """Publishes the draft as it is; who publishes must be able to use the warehouse that the queries run on."""
        with self._store.write():
            dashboard = self._active(principal, id, "CAN_EDIT")
            warehouse = str(body.get("warehouse_id") or dashboard["warehouse_id"])
            if not warehouse:
                raise BadRequest(f"dashboard {id} has no warehouse: give a warehouse_id to publish it with")
            self._warehouses.get_warehouse(principal, warehouse)
            self._permissions.require(principal, WAREHOUSE, warehouse, "CAN_USE")
            revision = {
                "display_name": dashboard["display_name"],
                "warehouse_id": warehouse,
                "embed_credentials": bool(body.get("embed_credentials")),
                "revision_create_time": self._now(),
                "serialized_dashboard": dashboard["serialized_dashboard"],
                "publisher": principal.name,
            }
            self._documents.put(id, {**dashboard, "published": revision})
            return _published(revision)

    def get_published(self, principal: Principal, id: str) -> Answer:
        return _published(self._revision(self._require(principal, id, "CAN_READ")))

    def unpublish(self, principal: Principal, id: str) -> Answer:
        with self._store.write():
            dashboard = self._active(principal, id, "CAN_EDIT")
            self._revision(dashboard)
            self._documents.put(id, {key: value for key, value in dashboard.items() if key != "published"})
        return {}

    def revert(self, principal: Principal, id: str, body: Body) -> Answer:
        """Makes the draft what was published last."""
        revision = self._revision(self._active(principal, id, "CAN_EDIT"))
        given = {key: revision[key] for key in ("display_name", "serialized_dashboard", "warehouse_id")}
        return {"dashboard": self.update(principal, id, {**given, "etag": body.get("etag")})}

    def shown(self, principal: Principal, id: str) -> Shown:
        """What a viewer sees of a dashboard; raises NotFound for one in the trash."""
        dashboard = self._require(principal, id, "CAN_READ")
        if dashboard["lifecycle_state"] != "ACTIVE":
            raise NotFound(f"Dashboard {id} is in the trash.")
        revision = dashboard.get("published") or dashboard
        return Shown(
            id,
            str(revision["display_name"]),
            str(revision["serialized_dashboard"]),
            str(revision["warehouse_id"]),
            revision.get("publisher"),
            bool(revision.get("embed_credentials")),
            str(revision.get("revision_create_time") or dashboard["update_time"]),
        )

    def readable(self, principal: Principal) -> Sequence[str]:
        """The ids of the dashboards that the caller may look at."""
        return [each["dashboard_id"] for each in self._readable(principal, False)]

    def _readable(self, principal: Principal, also_trashed: bool) -> Iterator[Answer]:
        for each in self._documents.all():
            is_wanted = also_trashed or each["lifecycle_state"] == "ACTIVE"
            if is_wanted and self._permissions.allows(principal, _PERMISSION_TYPE, each["dashboard_id"], "CAN_READ"):
                yield each

    def _move(self, principal: Principal, dashboard: Answer, body: Body) -> None:
        """The object in the tree follows the name; an update changes no folder, on Databricks neither."""
        node = self._node(dashboard["dashboard_id"])
        folder = paths.parent_of(node.path)
        if body.get("parent_path") and paths.workspace_path(str(body["parent_path"])) != folder:
            raise NotSupported("PATCH /api/2.0/lakeview/dashboards with another parent_path: make the dashboard anew")
        path = _path(folder, str(dashboard["display_name"]))
        if path == node.path:
            return
        self._files.require_parent(principal, path)
        try:
            self._files.tree.move(node, path)
        except sqlite3.IntegrityError as error:
            raise AlreadyExists(f"Path ({path}) already exists.") from error

    def _put(self, dashboard: Answer) -> Answer:
        """Writes a draft, which gets a new etag."""
        etag = str(self._store.next_id("dashboard etag", _FIRST_ETAG))
        changed = {**dashboard, "etag": etag, "update_time": self._now()}
        self._documents.put(dashboard["dashboard_id"], changed)
        return self._answer(changed)

    def _answer(self, dashboard: Answer) -> Answer:
        node = self._files.tree.find_id(_TYPE, number_of(_TYPE, dashboard["dashboard_id"]) or 0)
        places = {"path": node.path, "parent_path": paths.parent_of(node.path)} if node else {}
        known = {**dashboard, **places}
        return {key: known[key] for key in _ANSWERED if known.get(key)}

    def _trashed(self, principal: Principal, node: Node) -> None:
        """What the tree calls before the object goes, however it was deleted."""
        dashboard = self._documents.get(node.resource_id)
        if dashboard is not None:
            kept = {key: value for key, value in dashboard.items() if key != "published"}
            self._documents.put(node.resource_id, {**kept, "lifecycle_state": "TRASHED", "update_time": self._now()})

    def _revision(self, dashboard: Answer) -> Answer:
        revision = dashboard.get("published")
        if revision is None:
            raise NotFound(f"Unable to find published dashboard [{dashboard['dashboard_id']}]")
        return dict(revision)

    def _active(self, principal: Principal, id: str, level: str) -> Answer:
        dashboard = self._require(principal, id, level)
        if dashboard["lifecycle_state"] != "ACTIVE":
            raise PermissionDenied(f"Dashboard {id} is in the trash: it can be neither changed nor published.")
        return dashboard

    def _require(self, principal: Principal, id: str, level: str) -> Answer:
        dashboard = self._kept(id)
        self._permissions.require(principal, _PERMISSION_TYPE, id, level)
        return dashboard

    def _kept(self, id: str) -> Answer:
        dashboard = self._documents.get(id)
        if dashboard is None:
            raise NotFound(f"Dashboard {id} does not exist.")
        return dashboard

    def _node(self, id: str) -> Node:
        node = self._files.tree.find_id(_TYPE, number_of(_TYPE, id) or 0)
        if node is None:
            raise NotFound(f"Dashboard {id} is not in the workspace tree.")
        return node

    def _now(self) -> str:
        return self._clock.now().strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _display_name(body: Body) -> str:
    name = str(body.get("display_name") or "").strip()
    if not name:
        raise BadRequest("a dashboard needs a display_name")
    if "/" in name:
        raise BadRequest(f"display_name {name!r}: a dashboard is a file of that name, which cannot have a slash")
    return name


def _path(folder: str, name: str) -> str:
    return paths.workspace_path(f"{folder.rstrip('/')}/{name}{_SUFFIX}")


def _published(revision: Answer) -> Answer:
    return {key: value for key, value in revision.items() if key not in ("serialized_dashboard", "publisher")}
