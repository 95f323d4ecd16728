"""What the catalog's services share, and the one way in which securables are removed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from infra.workspace.catalog.access import Access
from infra.workspace.catalog.delta import DeltaSchemas
from infra.workspace.catalog.grant_store import Grants
from infra.workspace.catalog.registry import NoRegistry, RegistryBackend
from infra.workspace.catalog.securables import Securable, Securables
from infra.workspace.catalog.storage import ManagedStorage, local_path
from infra.workspace.control.clock import Clock
from infra.workspace.gateway.errors import BadRequest, InvalidState, NotFound
from infra.workspace.identity.principal import Principal
from infra.workspace.store.database import Store

_EVERYBODY = ("account users", "users", "admins")


class PrincipalNames(Protocol):
    """What the catalog asks of the identities: who goes by a name."""

    def find(self, name: str) -> Principal: ...

    def group_exists(self, name: str) -> bool: ...


@dataclass
class Core:
    """The parts that every service of the catalog works with."""

    store: Store
    clock: Clock
    principals: PrincipalNames
    securables: Securables
    grants: Grants
    access: Access
    storage: ManagedStorage
    workspace_id: int
    schemas: DeltaSchemas = field(default_factory=DeltaSchemas)
    registry: RegistryBackend = field(default_factory=NoRegistry)

    @property
    def metastore_id(self) -> str:
        return self.securables.metastore.id

    def check_principal(self, name: str) -> None:
        """Raises Databricks' NotFound unless a user, service principal or group goes by that name."""
        if name in _EVERYBODY or self.principals.group_exists(name):
            return
        try:
            self.principals.find(name)
        except NotFound:
            raise NotFound(f"Could not find principal with name {name}", "PRINCIPAL_DOES_NOT_EXIST") from None

    def change_owner(self, principal: Principal, securable: Securable, owner: str | None) -> Securable:
        """Gives the object away; needs MANAGE on it. None or the present owner changes nothing."""
        if not owner or owner == securable.owner:
            return securable
        self.access.require_manage(principal, securable)
        self.check_principal(owner)
        return self.securables.change(securable, principal, owner=owner)

    def remove(self, securable: Securable, force: bool = False) -> None:
        """Removes an object with all that is inside; raises InvalidState for a container in use unless forced."""
        if not force:
            self._require_empty(securable)
        if any(inside.kind.name == "function" for inside in [*self.securables.descendants(securable), securable]):
            self.registry.wait()
        with self.store.write():
            for inside in [*self.securables.descendants(securable), securable]:
                self._remove_one(inside)
        self.storage.purge()

    def _remove_one(self, securable: Securable) -> None:
        location = str(securable.body.get("storage_location") or "")
        if securable.kind.name == "function":
            self.registry.delete(securable.full_name)
        folder = local_path(location) if location else None
        if folder is not None and self.storage.is_own(folder, securable.id):
            self.storage.discard(securable.id, location)
            self.schemas.forget(folder)
        self.securables.remove(securable)

    def _require_empty(self, securable: Securable) -> None:
        inside = [child for child in self.securables.children(securable) if not self._negligible(child)]
        if inside:
            counts: dict[str, int] = {}
            for child in inside:
                counts[child.kind.plural] = counts.get(child.kind.plural, 0) + 1
            told = ", ".join(f"{count} {plural}" for plural, count in sorted(counts.items()))
            raise InvalidState(
                f"{securable.kind.label} '{securable.full_name}' is not empty. It has {told}. "
                "Remove them first, or ask for a forced deletion."
            )

    def _negligible(self, child: Securable) -> bool:
        """The schemas that come with a catalog do not hold it back, as long as nobody has put anything in them."""
        comes_along = child.kind.name == "schema" and child.name in ("default", "information_schema")
        return comes_along and not self.securables.children(child)


def holder_fields(securable: Securable) -> dict[str, Any]:
    """name, full_name and the names of what holds the object."""
    parts = securable.parts()
    fields: dict[str, Any] = {"name": securable.name, "full_name": securable.full_name}
    if len(parts) > 1:
        fields["catalog_name"] = parts[0]
    if len(parts) > 2:
        fields["schema_name"] = parts[1]
    return fields


def told(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Without the fields that have nothing to say: Databricks leaves them out, and clients take them for drift."""
    return {key: value for key, value in fields.items() if value is not None and value != {} and value != ""}


def properties(body: Mapping[str, Any]) -> dict[str, str]:
    """The properties of a request; raises BadRequest for anything but a map of strings."""
    given = body.get("properties") or {}
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise BadRequest("properties must map names to strings")
    return given
