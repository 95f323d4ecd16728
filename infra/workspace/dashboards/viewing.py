"""Dashboards as people look at them: read, their queries run in the right names, drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from infra.workspace.control.clock import Clock
from infra.workspace.dashboards.definition import Page, read
from infra.workspace.dashboards.results import Credentials, Problem, Runner
from infra.workspace.dashboards.service import DashboardsService
from infra.workspace.dashboards.shown import Shown
from infra.workspace.gateway.errors import NotFound
from infra.workspace.identity.principal import Principal
from infra.workspace.identity.service import IdentityService
from infra.workspace.sql.statements import StatementBook
from infra.workspace.store.database import Store

if TYPE_CHECKING:
    from infra.workspace.dashboards.view import Sheet


@dataclass(frozen=True)
class View:
    """A dashboard with one of its pages drawn; `sheet` is None where it has no page."""

    shown: Shown
    pages: tuple[Page, ...]
    sheet: Sheet | None


class Viewing:
    """Draws dashboards for a viewer."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        identity: IdentityService,
        dashboards: DashboardsService,
        statements: StatementBook,
    ) -> None:
        self._store = store
        self._clock = clock
        self._identity = identity
        self._dashboards = dashboards
        self._statements = statements

    def listed(self, principal: Principal) -> list[Shown]:
        """What the principal may look at, by name."""
        found = [self._dashboards.shown(principal, id) for id in self._dashboards.readable(principal)]
        return sorted(found, key=lambda shown: (shown.display_name, shown.dashboard_id))

    def view(self, principal: Principal, id: str, page: str | None, address: Mapping[str, Any]) -> View:
        """The page of that name, by default the first one; raises NotFound where the dashboard has none of the name."""
        from infra.workspace.dashboards.view import sheet, values  # its SQL parser takes long to import

        shown = self._dashboards.shown(principal, id)
        definition = read(shown.serialized)
        pages = tuple(each for each in definition.pages if not each.is_for_all)
        chosen = next((each for each in pages if page in (None, each.name)), None)
        if chosen is None and page is not None:
            raise NotFound(f"dashboard {shown.display_name} has no page {page}")
        if chosen is None:
            return View(shown, pages, None)
        runner = Runner(self._store, self._statements, shown.warehouse_id, self._credentials(principal, shown))
        return View(shown, pages, sheet(definition, chosen, values(address), runner, self._clock.now()))

    def _credentials(self, viewer: Principal, shown: Shown) -> Credentials | Problem:
        """A draft uses the viewer's; a published dashboard its publisher's, for the data only if they are embedded."""
        if shown.publisher is None:
            return Credentials(viewer, viewer)
        try:
            publisher = self._identity.find(shown.publisher)
        except NotFound:
            return Problem(f"{shown.publisher}, who published the dashboard, is not active any more: publish it again")
        return Credentials(publisher if shown.embedded else viewer, publisher)
