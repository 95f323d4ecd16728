"""marketplace-hub: the central workspace's catalog, schema, pages and jobs, and who may do what there."""

from collections.abc import Sequence
from pathlib import Path

from infra.constructs.catalog import Catalog, CatalogConfig, Schema, SchemaConfig
from infra.constructs.directory import Directory, DirectoryConfig
from infra.constructs.permissions import Entry, Level, Permissions, PermissionsConfig
from infra.settings.marketplace_settings import HUB, MarketplaceSettings
from infra.synth.library import cdk
from stacks.marketplace.base import MarketplaceStack
from stacks.marketplace.jobs import PAGES
from stacks.marketplace.plan import StackJobs

_OWN = ("USE_SCHEMA", "CREATE_MODEL", "CREATE_TABLE", "SELECT", "MODIFY")
"""The service principal's own: it owns the models and tables that it makes, and grants the models by that."""


class HubStack(MarketplaceStack):
    """Catalog and schema of the gathered models and of the hub's tables, the pages' folder, and the hub's jobs."""

    def __init__(self, app: cdk.App, settings: MarketplaceSettings, planned: StackJobs, *, root: Path) -> None:
        hub = settings.hub
        super().__init__(app, HUB, settings, hub, hub, hub.adopt, workspace="hub", root=root)
        self._add_data()
        self._add_pages(self.add_folder())
        self.add_archive(makes_credential=hub.makes_credential)
        self.add_jobs(planned, viewers=hub.readers)

    @property
    def secrets(self) -> Sequence[str]:
        """The static site's, beside the archive's."""
        site = self.settings.hub.site_secret
        return (site,) if site else ()

    def _add_data(self) -> None:
        hub, destroy = self.settings.hub, self.settings.values.destroy_data
        users = [group for group in hub.users if group not in hub.readers]
        catalog = Catalog(
            self,
            "catalog",
            CatalogConfig(
                name=hub.catalog,
                comment="Models of all workspaces",
                tags=self.tags_of_all,
                destroy_data=destroy,
                privileges={
                    self.principal: ["USE_CATALOG"],
                    **{group: ["USE_CATALOG"] for group in users},
                    **{group: ["USE_CATALOG", "BROWSE"] for group in hub.readers},
                },
            ),
        )
        Schema(
            self,
            "schema",
            SchemaConfig(
                catalog=catalog.name,
                name=hub.schema_name,
                comment="The marketplace: models as they were exported, and its tables",
                tags=self.tags_of_all,
                destroy_data=destroy,
                privileges={
                    self.principal: _OWN,
                    **{group: ["USE_SCHEMA"] for group in users},
                    **{group: ["USE_SCHEMA", "SELECT"] for group in hub.readers},
                },
            ),
        )

    def _add_pages(self, folder: str) -> None:
        hub = self.settings.hub
        pages = Directory(self, "pages", DirectoryConfig(f"{folder}/{PAGES}", self.settings.values.destroy_data))
        if hub.readers:
            readers = [Entry(Level.CAN_READ, group=group) for group in hub.readers]
            Permissions(self, "pages", PermissionsConfig("directory_path", pages.path, readers))
