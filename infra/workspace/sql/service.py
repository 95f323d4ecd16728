"""The SQL room: warehouses and statements."""

from __future__ import annotations

from infra.workspace.control.clock import Clock
from infra.workspace.sql.ports import AccessControl, Catalog, Compute
from infra.workspace.sql.statements import StatementBook
from infra.workspace.sql.warehouses import WarehouseBook
from infra.workspace.store.database import Store


class SqlService:
    """SQL of one workspace; each attribute is the service of one family of calls."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        permissions: AccessControl,
        catalog: Catalog,
        compute: Compute,
        url: str = "http://127.0.0.1",
    ) -> None:
        self.warehouses = WarehouseBook(store, permissions, url)
        self.statements = StatementBook(store, clock, catalog, compute, self.warehouses)
