"""SQL warehouses: what Databricks sizes and bills; here a name under which statements are accepted."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from infra.workspace.gateway.errors import AlreadyExists, BadRequest, NotFound, PermissionDenied
from infra.workspace.identity.principal import Principal
from infra.workspace.sql.ports import AccessControl
from infra.workspace.store.database import Store
from infra.workspace.store.documents import Documents, NameTaken

Body = Mapping[str, Any]
OBJECT_TYPE = "sql/warehouses"
_SIZES = ("2X-Small", "X-Small", "Small", "Medium", "Large", "X-Large", "2X-Large", "3X-Large", "4X-Large")
_DEFAULTS: dict[str, Any] = {
    "cluster_size": "2X-Small",
    "auto_stop_mins": 120,
    "min_num_clusters": 1,
    "max_num_clusters": 1,
    "enable_photon": True,
    "enable_serverless_compute": False,
    "spot_instance_policy": "COST_OPTIMIZED",
    "warehouse_type": "PRO",
    "channel": {"name": "CHANNEL_NAME_CURRENT"},
    "tags": {},
}
_SETTABLE = (*_DEFAULTS, "name", "instance_profile_arn")


class WarehouseBook:
    """The warehouses of a workspace and who may use them; starting and stopping take effect at once."""

    def __init__(self, store: Store, permissions: AccessControl, url: str) -> None:
        self._store = store
        self._permissions = permissions
        self._url = url
        self._warehouses = Documents(store, "sql_warehouses")
        permissions.register_type(OBJECT_TYPE, lambda id: self._warehouses.get(id) is not None)

    def create_warehouse(self, principal: Principal, body: Body) -> dict[str, Any]:
        """Makes a warehouse, which runs from the start; only admins may, as nothing here grants it to others."""
        if not principal.admin:
            raise PermissionDenied(f"{principal.name} is not allowed to create SQL warehouses")
        id = uuid.uuid4().hex[:16]
        described = {**_DEFAULTS, **_settings(body), "id": id, "creator_name": principal.name, "state": "RUNNING"}
        if not described.get("name"):
            raise BadRequest("a SQL warehouse needs a name")
        with self._store.write():
            self._put(described)
            self._permissions.grant_owner(OBJECT_TYPE, id, principal)
        return {"id": id}

    def list_warehouses(self, principal: Principal) -> dict[str, Any]:
        """The warehouses on which the caller has any permission."""
        found = [each for each in self._warehouses.all() if self._permissions.level(principal, OBJECT_TYPE, each["id"])]
        return {"warehouses": [self._answer(each) for each in found]}

    def get_warehouse(self, principal: Principal, id: str) -> dict[str, Any]:
        return self._answer(self._require(principal, id, "CAN_VIEW"))

    def edit_warehouse(self, principal: Principal, id: str, body: Body) -> dict[str, Any]:
        with self._store.write():
            self._put({**self._require(principal, id, "CAN_MANAGE"), **_settings(body)})
        return {}

    def delete_warehouse(self, principal: Principal, id: str) -> dict[str, Any]:
        with self._store.write():
            self._require(principal, id, "CAN_MANAGE")
            self._warehouses.delete(id)
            self._permissions.forget(OBJECT_TYPE, id)
        return {}

    def start_warehouse(self, principal: Principal, id: str) -> dict[str, Any]:
        return self._set_state(principal, id, "RUNNING")

    def stop_warehouse(self, principal: Principal, id: str) -> dict[str, Any]:
        return self._set_state(principal, id, "STOPPED")

    def list_data_sources(self, principal: Principal) -> list[dict[str, Any]]:
        """The warehouses as data sources: the provider reads `data_source_id` of a warehouse from here."""
        return [
            {
                "id": str(uuid.uuid5(uuid.NAMESPACE_OID, each["id"])),
                "name": each["name"],
                "warehouse_id": each["id"],
                "syntax": "sql",
                "type": "databricks_internal",
                "paused": 0,
                "view_only": False,
                "supports_auto_limit": True,
            }
            for each in self.list_warehouses(principal)["warehouses"]
        ]

    def use(self, principal: Principal, id: str) -> None:
        """What a statement does first: checks CAN_USE, and starts a stopped warehouse."""
        warehouse = self._require(principal, id, "CAN_USE")
        if warehouse["state"] != "RUNNING":
            self._put({**warehouse, "state": "RUNNING"})

    def _set_state(self, principal: Principal, id: str, state: str) -> dict[str, Any]:
        with self._store.write():
            self._put({**self._require(principal, id, "CAN_MONITOR"), "state": state})
        return {}

    def _require(self, principal: Principal, id: str, level: str) -> dict[str, Any]:
        warehouse = self._warehouses.get(id)
        if warehouse is None:
            raise NotFound(f"SQL warehouse {id} does not exist.")
        self._permissions.require(principal, OBJECT_TYPE, id, level)
        return warehouse

    def _put(self, warehouse: Body) -> None:
        try:
            self._warehouses.put(warehouse["id"], warehouse, str(warehouse["name"]))
        except NameTaken as error:
            raise AlreadyExists(f"SQL warehouse with name `{warehouse['name']}` already exists") from error

    def _answer(self, warehouse: dict[str, Any]) -> dict[str, Any]:
        running = warehouse["state"] == "RUNNING"
        host, _, port = self._url.removeprefix("http://").partition(":")
        path = f"/sql/1.0/warehouses/{warehouse['id']}"
        return {
            **warehouse,
            "num_clusters": 1 if running else 0,
            "num_active_sessions": 0,
            "odbc_params": {"hostname": host, "path": path, "protocol": "http", "port": int(port or 80)},
            "health": {"status": "HEALTHY"} if running else {},
        }


def _settings(body: Body) -> dict[str, Any]:
    given = {key: body[key] for key in _SETTABLE if body.get(key) is not None}
    if given.get("cluster_size", "Small") not in _SIZES:
        raise BadRequest(f"cluster_size must be one of {', '.join(_SIZES)}")
    return given
