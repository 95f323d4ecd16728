"""marketplace-<workspace>: what exports a workspace's models, and what brings it those of the marketplace."""

from collections.abc import Mapping
from pathlib import Path

from infra.constructs.catalog import Catalog, CatalogConfig, Schema, SchemaConfig, SharedSecurable, grant_beside
from infra.settings.marketplace import WorkspaceEntry
from infra.settings.marketplace_settings import MarketplaceSettings, own_catalog, stack_name
from infra.synth.library import cdk
from stacks.marketplace.base import MarketplaceStack
from stacks.marketplace.plan import StackJobs

_EXPORT = ("USE_CATALOG", "USE_SCHEMA", "EXECUTE", "MANAGE")
"""Reading models, and marking a version's description, which is for who manages its model."""

_BROUGHT = ("USE_SCHEMA", "CREATE_MODEL", "CREATE_TABLE", "SELECT", "MODIFY")


class MarketplaceWorkspaceStack(MarketplaceStack):
    """Service principal, its rights on what is exported, and the jobs; for a consumer also a place for its models."""

    def __init__(
        self,
        app: cdk.App,
        settings: MarketplaceSettings,
        source: WorkspaceEntry,
        planned: StackJobs,
        *,
        root: Path,
    ) -> None:
        name = stack_name(source)
        super().__init__(app, name, settings, source, source, source.adopt, workspace=source.name, root=root)
        if source.is_consumer:
            self.add_folder()
            if source.catalog is None:
                self._add_own_catalog(source)
        for number, (securable, privileges) in enumerate(sorted(_rights(source).items()), start=1):
            kind: SharedSecurable = "schema" if "." in securable else "catalog"
            grant_beside(self, self, kind, f"exported_{number}", securable, {self.principal: sorted(privileges)})
        self.add_archive(makes_credential=source.makes_credential)
        self.add_jobs(planned)

    def _add_own_catalog(self, source: WorkspaceEntry) -> None:
        destroy = self.settings.values.destroy_data
        catalog = Catalog(
            self,
            "catalog",
            CatalogConfig(
                name=own_catalog(source),
                comment="Models of the marketplace that this workspace uses",
                tags=self.tags_of_all,
                destroy_data=destroy,
                privileges={self.principal: ["USE_CATALOG"], **{group: ["USE_CATALOG"] for group in source.users}},
            ),
        )
        Schema(
            self,
            "schema",
            SchemaConfig(
                catalog=catalog.name,
                name=source.schema_name,
                comment="Models of the marketplace that this workspace uses",
                tags=self.tags_of_all,
                destroy_data=destroy,
                privileges={self.principal: _BROUGHT, **{group: ["USE_SCHEMA"] for group in source.users}},
            ),
        )


def _rights(source: WorkspaceEntry) -> Mapping[str, set[str]]:
    """What the service principal needs of catalogs and schemas that others made, by their names."""
    rights: dict[str, set[str]] = {}

    def need(securable: str, *privileges: str) -> None:
        # USE CATALOG applies to catalogs alone, so that of a schema is asked of its catalog.
        catalog, dot, _ = securable.partition(".")
        rights.setdefault(catalog, set()).add("USE_CATALOG")
        rights.setdefault(securable, set()).update(each for each in privileges if not (dot and each == "USE_CATALOG"))

    for securable in source.grants:
        need(securable, *_EXPORT)
    if source.is_consumer and source.catalog is not None:
        need(f"{source.catalog}.{source.schema_name}", *_BROUGHT)
    for batch in (each.batch for each in source.wanted if each.batch):
        for table, privileges in ((batch.input, ("SELECT",)), (batch.output, ("CREATE_TABLE", "SELECT", "MODIFY"))):
            schema = table.rpartition(".")[0]
            if source.catalog is None and schema == f"{own_catalog(source)}.{source.schema_name}":
                continue  # made by this stack, with these rights
            need(schema, "USE_SCHEMA", *privileges)
    return rights
