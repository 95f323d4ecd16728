"""Volumes: managed ones keep their files in the workspace's storage, external ones at an external location."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.workspace.catalog import names
from infra.workspace.catalog.core import Core, holder_fields, told
from infra.workspace.catalog.kinds import KINDS
from infra.workspace.catalog.locations import LocationsService
from infra.workspace.catalog.paging import page
from infra.workspace.catalog.securables import Securable
from infra.workspace.catalog.storage import local_path
from infra.workspace.gateway.errors import BadRequest, NotSupported
from infra.workspace.identity.principal import Principal

Body = Mapping[str, Any]
_SCHEMA, _VOLUME = KINDS["schema"], KINDS["volume"]


class VolumesService:
    """Creates, lists, reads, changes and deletes volumes; their files are the files room's."""

    def __init__(self, core: Core, locations: LocationsService) -> None:
        self._core = core
        self._locations = locations

    def create_volume(self, principal: Principal, body: Body) -> dict[str, Any]:
        core = self._core
        name = names.part(body.get("name"), "Volume")
        schema = self._schema(str(body.get("catalog_name") or ""), str(body.get("schema_name") or ""))
        core.access.require_use(principal, core.securables.by_id(str(schema.parent)))
        core.access.require_use(principal, schema)
        core.access.require(principal, schema, "CREATE_VOLUME")
        kind = str(body.get("volume_type") or "").upper()
        given = str(body.get("storage_location") or "").rstrip("/")
        id = str(uuid.uuid4())
        if kind == "MANAGED" and not given:
            location = core.storage.location("volumes", id)
            folder = self._folder(location)
            folder.mkdir(parents=True, exist_ok=True)
        elif kind == "EXTERNAL" and given:
            self._locations.require_external(principal, given, "CREATE_EXTERNAL_VOLUME")
            location = given
        else:
            raise BadRequest("volume_type must be MANAGED, without a storage_location, or EXTERNAL, with one")
        kept = told({"comment": body.get("comment"), "volume_type": kind, "storage_location": location})
        return self._answer(core.securables.add(_VOLUME, schema, name, principal, kept, id))

    def list_volumes(
        self,
        principal: Principal,
        catalog_name: str,
        schema_name: str,
        max_results: int | None,
        page_token: str | None,
    ) -> dict[str, Any]:
        core = self._core
        schema = self._schema(catalog_name, schema_name)
        core.access.require_visible(principal, schema)
        seen = core.access.visible(principal, core.securables.children(schema, _VOLUME))
        return page("volumes", [self._answer(volume) for volume in seen], max_results, page_token)

    def get_volume(self, principal: Principal, full_name: str) -> dict[str, Any]:
        volume = self._core.securables.get(_VOLUME, full_name)
        self._core.access.require_visible(principal, volume)
        return self._answer(volume)

    def update_volume(self, principal: Principal, full_name: str, body: Body) -> dict[str, Any]:
        core = self._core
        volume = core.securables.get(_VOLUME, full_name)
        core.access.require_manage(principal, volume)
        changes = {"comment": body["comment"] or None} if "comment" in body else {}
        new_name = names.part(body["new_name"], "Volume") if body.get("new_name") else None
        with core.store.write():
            changed = core.securables.change(volume, principal, body=changes, name=new_name)
            return self._answer(core.change_owner(principal, changed, body.get("owner")))

    def delete_volume(self, principal: Principal, full_name: str) -> None:
        volume = self._core.securables.get(_VOLUME, full_name)
        self._core.access.require_manage(principal, volume)
        self._core.remove(volume)

    def root(self, full_name: str) -> Path:
        """The folder that holds a volume's files; raises NotFound for no such volume. The caller checks privileges."""
        return self._folder(self._core.securables.get(_VOLUME, full_name).body["storage_location"])

    def _schema(self, catalog_name: str, schema_name: str) -> Securable:
        return self._core.securables.get(
            _SCHEMA, ".".join(f"`{name.strip('`')}`" for name in (catalog_name, schema_name))
        )

    def _folder(self, location: str) -> Path:
        path = local_path(location)
        if path is None:
            raise NotSupported(f"files of a volume at {location}: the local workspace reaches file:// locations only")
        return path

    def _answer(self, volume: Securable) -> dict[str, Any]:
        return told(
            {
                **holder_fields(volume),
                **volume.audit(),
                **volume.body,
                "volume_id": volume.id,
                "metastore_id": self._core.metastore_id,
            }
        )
