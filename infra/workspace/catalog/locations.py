"""External locations and storage credentials, and whether a principal may put an external object at an address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.workspace.catalog import names
from infra.workspace.catalog.core import Core, told
from infra.workspace.catalog.kinds import KINDS, Kind
from infra.workspace.catalog.paging import page
from infra.workspace.catalog.securables import Securable
from infra.workspace.catalog.storage import local_path
from infra.workspace.gateway.errors import BadRequest
from infra.workspace.identity.principal import Principal

Body = Mapping[str, Any]
_LOCATION, _CREDENTIAL = KINDS["external_location"], KINDS["storage_credential"]
_LOCATION_KEYS = ("comment", "url", "credential_name", "read_only", "fallback", "isolation_mode", "enable_file_events")
_CREDENTIAL_KEYS = (
    "comment",
    "read_only",
    "isolation_mode",
    "aws_iam_role",
    "azure_managed_identity",
    "databricks_gcp_service_account",
)


class LocationsService:
    """A simple store of locations and credentials: what decides is the address, no cloud is asked."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def create_external_location(self, principal: Principal, body: Body) -> dict[str, Any]:
        url = str(body.get("url") or "")
        if not url:
            raise BadRequest("an external location needs a url")
        credential = str(body.get("credential_name") or "")
        if credential:
            self._core.securables.get(_CREDENTIAL, credential)
        self._require_free(url)
        return self._create(principal, _LOCATION, body, _LOCATION_KEYS, "CREATE_EXTERNAL_LOCATION")

    def list_external_locations(self, principal: Principal, limit: int | None, token: str | None) -> dict[str, Any]:
        return self._list(principal, _LOCATION, limit, token)

    def get_external_location(self, principal: Principal, name: str) -> dict[str, Any]:
        return self._get(principal, _LOCATION, name)

    def update_external_location(self, principal: Principal, name: str, body: Body) -> dict[str, Any]:
        if body.get("url"):
            self._require_free(str(body["url"]))
        return self._update(principal, _LOCATION, name, body, _LOCATION_KEYS)

    def delete_external_location(self, principal: Principal, name: str) -> None:
        self._delete(principal, _LOCATION, name)

    def create_storage_credential(self, principal: Principal, body: Body) -> dict[str, Any]:
        return self._create(principal, _CREDENTIAL, body, _CREDENTIAL_KEYS, "CREATE_STORAGE_CREDENTIAL")

    def list_storage_credentials(self, principal: Principal, limit: int | None, token: str | None) -> dict[str, Any]:
        return self._list(principal, _CREDENTIAL, limit, token)

    def get_storage_credential(self, principal: Principal, name: str) -> dict[str, Any]:
        return self._get(principal, _CREDENTIAL, name)

    def update_storage_credential(self, principal: Principal, name: str, body: Body) -> dict[str, Any]:
        return self._update(principal, _CREDENTIAL, name, body, _CREDENTIAL_KEYS)

    def delete_storage_credential(self, principal: Principal, name: str) -> None:
        self._delete(principal, _CREDENTIAL, name)

    def require_external(self, principal: Principal, location: str, privilege: str) -> None:
        """Raises unless an external location covers the address and gives the principal the privilege on it."""
        self._require_free(location)
        core = self._core
        found = core.securables.children(core.securables.metastore, _LOCATION)
        covering = [each for each in found if covers(str(each.body["url"]), location)]
        if not covering:
            raise BadRequest(
                f"No parent external location was found for path '{location}'. "
                "Please create an external location on one of the parent paths and then retry."
            )
        core.access.require(principal, max(covering, key=lambda each: len(each.body["url"])), privilege)

    def _require_free(self, location: str) -> None:
        """The workspace's own data, managed storage above all, is no place for anybody's external objects."""
        path = local_path(location)
        data_dir = self._core.storage.data_dir
        if path is None:
            return
        resolved = path.resolve()
        if not path.is_absolute() or resolved.is_relative_to(data_dir) or data_dir.is_relative_to(resolved):
            raise BadRequest(f"LOCATION_OVERLAP: '{location}' overlaps with managed storage of the workspace")

    def _create(
        self, principal: Principal, kind: Kind, body: Body, keys: tuple[str, ...], privilege: str
    ) -> dict[str, Any]:
        core = self._core
        metastore = core.securables.metastore
        core.access.require(principal, metastore, privilege)
        name = names.part(body.get("name"), kind.label)
        made = core.securables.add(kind, metastore, name, principal, told({key: body.get(key) for key in keys}))
        return self._answer(made)

    def _list(self, principal: Principal, kind: Kind, limit: int | None, token: str | None) -> dict[str, Any]:
        core = self._core
        seen = core.access.visible(principal, core.securables.children(core.securables.metastore, kind))
        return page(kind.plural, [self._answer(each) for each in seen], limit, token)

    def _get(self, principal: Principal, kind: Kind, name: str) -> dict[str, Any]:
        found = self._core.securables.get(kind, name)
        self._core.access.require_visible(principal, found)
        return self._answer(found)

    def _update(self, principal: Principal, kind: Kind, name: str, body: Body, keys: tuple[str, ...]) -> dict[str, Any]:
        core = self._core
        found = core.securables.get(kind, name)
        core.access.require_manage(principal, found)
        changes = {key: body[key] for key in keys if key in body}
        new_name = names.part(body["new_name"], kind.label) if body.get("new_name") else None
        with core.store.write():
            changed = core.securables.change(found, principal, body=changes, name=new_name)
            return self._answer(core.change_owner(principal, changed, body.get("owner")))

    def _delete(self, principal: Principal, kind: Kind, name: str) -> None:
        found = self._core.securables.get(kind, name)
        self._core.access.require_manage(principal, found)
        self._core.remove(found)

    def _answer(self, securable: Securable) -> dict[str, Any]:
        mode = {"isolation_mode": "ISOLATION_MODE_OPEN"}
        identity = {"id": securable.id} if securable.kind is _CREDENTIAL else {}
        return told(
            {
                "name": securable.name,
                **mode,
                **securable.body,
                **identity,
                **securable.audit(),
                "metastore_id": self._core.metastore_id,
            }
        )


def covers(parent: str, location: str) -> bool:
    """Whether an address is that of the parent or lies below it."""
    above, below = local_path(parent), local_path(location)
    if above is not None and below is not None:
        return below.resolve().is_relative_to(above.resolve())
    return location.rstrip("/") == parent.rstrip("/") or location.startswith(parent.rstrip("/") + "/")
