"""Catalogs and schemas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.workspace.catalog import names
from infra.workspace.catalog.core import Core, holder_fields, properties, told
from infra.workspace.catalog.kinds import KINDS, Kind
from infra.workspace.catalog.paging import page
from infra.workspace.catalog.securables import Securable
from infra.workspace.gateway.errors import BadRequest, NotSupported
from infra.workspace.identity.principal import Principal

Body = Mapping[str, Any]
_CATALOG, _SCHEMA = KINDS["catalog"], KINDS["schema"]
_ELSEWHERE = ("connection_name", "provider_name", "share_name")
_OPTIMIZATION = ("DISABLE", "ENABLE", "INHERIT")
_SYSTEM = Principal(id=0, name="System user", display_name="System user", kind="user")


class ContainersService:
    """Creates, lists, reads, changes and deletes catalogs and schemas."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def create_catalog(self, principal: Principal, body: Body) -> dict[str, Any]:
        """Makes a catalog with its schemas `default` and `information_schema`."""
        core = self._core
        metastore = core.securables.metastore
        core.access.require(principal, metastore, "CREATE_CATALOG")
        for key in _ELSEWHERE:
            if body.get(key):
                raise NotSupported(f"POST /api/2.1/unity-catalog/catalogs with {key}: foreign and shared catalogs")
        kept = {key: body.get(key) for key in ("comment", "storage_root", "options")}
        with core.store.write():
            catalog = core.securables.add(
                _CATALOG,
                metastore,
                names.part(body.get("name"), "Catalog"),
                principal,
                told({**kept, "properties": properties(body), "isolation_mode": "OPEN"}),
            )
            core.securables.add(_SCHEMA, catalog, "default", principal, {"comment": "Default schema (auto-created)"})
            system = core.securables.add(
                _SCHEMA, catalog, "information_schema", _SYSTEM, {"comment": "Information schema (auto-created)"}
            )
            core.grants.change(system, "account users", ["USE_SCHEMA"], [])
        return self._catalog(catalog)

    def list_catalogs(self, principal: Principal, max_results: int | None, page_token: str | None) -> dict[str, Any]:
        core = self._core
        seen = core.access.visible(principal, core.securables.children(core.securables.metastore, _CATALOG))
        return page("catalogs", [self._catalog(catalog) for catalog in seen], max_results, page_token)

    def get_catalog(self, principal: Principal, name: str) -> dict[str, Any]:
        return self._catalog(self._visible(principal, _CATALOG, name))

    def update_catalog(self, principal: Principal, name: str, body: Body) -> dict[str, Any]:
        changes = {key: body[key] or None for key in ("comment", "options") if key in body}
        if body.get("isolation_mode"):
            changes |= self._isolation(body["isolation_mode"], name)
        return self._catalog(self._update(principal, _CATALOG, name, body, changes))

    def delete_catalog(self, principal: Principal, name: str, force: bool) -> None:
        self._delete(principal, _CATALOG, name, force)

    def create_schema(self, principal: Principal, body: Body) -> dict[str, Any]:
        core = self._core
        catalog = core.securables.get(_CATALOG, str(body.get("catalog_name") or ""))
        core.access.require_use(principal, catalog)
        core.access.require(principal, catalog, "CREATE_SCHEMA")
        kept = {key: body.get(key) for key in ("comment", "storage_root")}
        schema = core.securables.add(
            _SCHEMA,
            catalog,
            names.part(body.get("name"), "Schema"),
            principal,
            told({**kept, "properties": properties(body)}),
        )
        return self._schema(schema)

    def list_schemas(
        self, principal: Principal, catalog_name: str, max_results: int | None, page_token: str | None
    ) -> dict[str, Any]:
        core = self._core
        catalog = self._visible(principal, _CATALOG, catalog_name)
        seen = core.access.visible(principal, core.securables.children(catalog, _SCHEMA))
        return page("schemas", [self._schema(schema) for schema in seen], max_results, page_token)

    def get_schema(self, principal: Principal, full_name: str) -> dict[str, Any]:
        return self._schema(self._visible(principal, _SCHEMA, full_name))

    def update_schema(self, principal: Principal, full_name: str, body: Body) -> dict[str, Any]:
        changes = {"comment": body["comment"] or None} if "comment" in body else {}
        return self._schema(self._update(principal, _SCHEMA, full_name, body, changes))

    def delete_schema(self, principal: Principal, full_name: str, force: bool) -> None:
        self._delete(principal, _SCHEMA, full_name, force)

    def _visible(self, principal: Principal, kind: Kind, full_name: str) -> Securable:
        securable = self._core.securables.get(kind, full_name)
        self._core.access.require_visible(principal, securable)
        return securable

    def _update(
        self, principal: Principal, kind: Kind, full_name: str, body: Body, changes: dict[str, Any]
    ) -> Securable:
        core = self._core
        securable = core.securables.get(kind, full_name)
        core.access.require_manage(principal, securable)
        if "properties" in body:
            changes["properties"] = properties(body) or None
        optimization = body.get("enable_predictive_optimization")
        if optimization:
            if optimization not in _OPTIMIZATION:
                raise BadRequest(f"enable_predictive_optimization must be one of {', '.join(_OPTIMIZATION)}")
            changes["enable_predictive_optimization"] = optimization
        if body.get("new_name"):
            core.registry.wait()
        with core.store.write():
            models = [inside for inside in core.securables.descendants(securable) if inside.kind.name == "function"]
            new_name = names.part(body["new_name"], kind.label) if body.get("new_name") else None
            updated = core.securables.change(securable, principal, body=changes, name=new_name)
            if updated.name != securable.name:
                for model in models:
                    core.registry.rename(model.full_name, core.securables.by_id(model.id).full_name)
            return core.change_owner(principal, updated, body.get("owner"))

    def _delete(self, principal: Principal, kind: Kind, full_name: str, force: bool) -> None:
        core = self._core
        securable = core.securables.get(kind, full_name)
        core.access.require_manage(principal, securable)
        if securable.name == "information_schema":
            raise BadRequest(f"Schema '{securable.full_name}' belongs to the system and cannot be deleted")
        core.remove(securable, force)

    def _isolation(self, mode: str, name: str) -> dict[str, Any]:
        """Isolating a catalog binds it to the workspace at hand; the bindings calls change that."""
        if mode not in ("OPEN", "ISOLATED"):
            raise BadRequest("isolation_mode must be OPEN or ISOLATED")
        bound = self._core.securables.get(_CATALOG, name).body.get("bindings")
        here = [{"workspace_id": self._core.workspace_id, "binding_type": "BINDING_TYPE_READ_WRITE"}]
        return {"isolation_mode": mode, "bindings": (bound or here) if mode == "ISOLATED" else bound}

    def _catalog(self, catalog: Securable) -> dict[str, Any]:
        body = catalog.body
        return told(
            {
                **holder_fields(catalog),
                **catalog.audit(),
                "id": catalog.id,
                "comment": body.get("comment"),
                "properties": body.get("properties"),
                "options": body.get("options"),
                "storage_root": body.get("storage_root"),
                "storage_location": body.get("storage_root") and f"{body['storage_root'].rstrip('/')}/__unitystorage",
                "isolation_mode": body["isolation_mode"],
                "enable_predictive_optimization": body.get("enable_predictive_optimization", "INHERIT"),
                "catalog_type": "MANAGED_CATALOG",
                "securable_type": "CATALOG",
                "metastore_id": self._core.metastore_id,
            }
        )

    def _schema(self, schema: Securable) -> dict[str, Any]:
        body = schema.body
        return told(
            {
                **holder_fields(schema),
                **schema.audit(),
                "schema_id": schema.id,
                "comment": body.get("comment"),
                "properties": body.get("properties"),
                "storage_root": body.get("storage_root"),
                "enable_predictive_optimization": body.get("enable_predictive_optimization", "INHERIT"),
                "catalog_type": "MANAGED_CATALOG",
                "metastore_id": self._core.metastore_id,
            }
        )
