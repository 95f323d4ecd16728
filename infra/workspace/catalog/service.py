"""The catalog room: its services, and what other rooms ask of it about privileges."""

from __future__ import annotations

from typing import Any

from infra.workspace.catalog.access import Access
from infra.workspace.catalog.constraints import ConstraintsService
from infra.workspace.catalog.containers import ContainersService
from infra.workspace.catalog.core import Core, PrincipalNames
from infra.workspace.catalog.grant_store import Grants
from infra.workspace.catalog.kinds import KINDS, kind_of
from infra.workspace.catalog.locations import LocationsService
from infra.workspace.catalog.metastore import MetastoreService
from infra.workspace.catalog.models import RegisteredModelsService
from infra.workspace.catalog.permissions import PermissionsService
from infra.workspace.catalog.privileges import MANAGE
from infra.workspace.catalog.sail import sail_environment
from infra.workspace.catalog.securables import Securables
from infra.workspace.catalog.storage import ManagedStorage
from infra.workspace.catalog.tables import TablesService
from infra.workspace.catalog.volumes import VolumesService
from infra.workspace.config import WorkspaceConfig
from infra.workspace.control.clock import Clock
from infra.workspace.identity.principal import Principal
from infra.workspace.store.database import Store


class CatalogService:
    """Unity Catalog of one workspace. Each attribute is the service of one family of calls."""

    def __init__(self, store: Store, clock: Clock, identity: PrincipalNames, config: WorkspaceConfig) -> None:
        self._url = config.url
        securables = Securables(store, clock)
        grants = Grants(store)
        self._core = Core(
            store=store,
            clock=clock,
            principals=identity,
            securables=securables,
            grants=grants,
            access=Access(securables, grants, config.workspace_id),
            storage=ManagedStorage(store, config),
            workspace_id=config.workspace_id,
        )
        self.metastore = MetastoreService(self._core)
        self.containers = ContainersService(self._core)
        self.locations = LocationsService(self._core)
        self.tables = TablesService(self._core, self.locations)
        self.constraints = ConstraintsService(self._core, self.tables)
        self.volumes = VolumesService(self._core, self.locations)
        self.models = RegisteredModelsService(self._core)
        self.permissions = PermissionsService(self._core)

    def require(self, principal: Principal, securable_type: str, full_name: str, privilege: str) -> None:
        """Raises NotFound, or PermissionDenied naming what is missing on the object or on the way to it.

        `privilege` may be MANAGE, which owners of the object and of what holds it have too.
        """
        securable = self._core.securables.get(kind_of(securable_type), full_name)
        if privilege == MANAGE:
            self._core.access.require_manage(principal, securable)
        else:
            self._core.access.require(principal, securable, privilege)

    def privileges_on(self, principal: Principal, securable_type: str, full_name: str) -> frozenset[str]:
        """All privileges of the principal on the object, inherited ones included; empty without the way to it."""
        access = self._core.access
        securable = self._core.securables.get(kind_of(securable_type), full_name)
        return access.on(principal, securable) if access.sees(principal, securable) else frozenset()

    def catalogs_for(self, principal: Principal) -> list[str]:
        """The names of the catalogs that the principal may use."""
        core = self._core
        catalogs = core.securables.children(core.securables.metastore, KINDS["catalog"])
        return [
            catalog.name
            for catalog in core.access.visible(principal, catalogs)
            if core.access.on(principal, catalog) & {"USE_CATALOG", MANAGE}
        ]

    def sail_environment(self, principal: Principal, token: str) -> dict[str, str]:
        """The environment of a Sail process that sees the principal's catalogs; the token is the principal's."""
        return sail_environment(self._url, token, self.catalogs_for(principal))

    def get_volume(self, principal: Principal, full_name: str) -> dict[str, Any]:
        """A volume as REST tells it, `storage_location` included."""
        return self.volumes.get_volume(principal, full_name)

    def table_name(self, table_id: str) -> str | None:
        """The full name that a table has now; None once it was dropped."""
        try:
            return self._core.securables.by_id(table_id).full_name
        except LookupError:
            return None

    def exists(self, securable_type: str, full_name: str) -> bool:
        return self._core.securables.find(kind_of(securable_type), full_name) is not None
