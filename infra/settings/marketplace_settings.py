"""The marketplace's settings put together: names of objects are made here and nowhere else."""

from infra.settings.base import Strict
from infra.settings.marketplace import Hub, MarketplaceValues, Runner, SourceValues, WorkspaceEntry
from infra.settings.project import Project

HUB = "marketplace-hub"
ENVIRONMENT = "marketplace"
FOLDER = "/branchline-marketplace"
"""Workspace folder of the pages and of the experiments that come with models; the steps know it, too.

Not below /Shared: what lies there, everyone on Databricks may change.
"""


class MarketplaceSettings(Strict):
    """The project's settings and the marketplace's own."""

    project: Project
    values: MarketplaceValues

    @property
    def hub(self) -> Hub:
        """The central workspace."""
        return self.values.hub

    @property
    def sources(self) -> list[WorkspaceEntry]:
        """The workspaces, each with what `defaults` says where its entry is silent."""
        return [_filled(entry, self.values.defaults) for entry in self.values.workspaces]

    def tags(self, runner: Runner, workspace: str) -> dict[str, str]:
        """The tags of everything in a workspace."""
        own = {"environment": ENVIRONMENT, "branch": runner.branch, "workspace": workspace}
        return {**self.project.tags, **self.values.tags, **own}


def stack_name(source: WorkspaceEntry) -> str:
    """`marketplace-<workspace>`: its stack and its state."""
    return f"marketplace-{source.name}"


def own_catalog(source: WorkspaceEntry) -> str:
    """The catalog of brought models; no other workspace of the metastore has one of that name."""
    return source.catalog or f"marketplace_{source.name.replace('-', '_')}"


def _filled(entry: WorkspaceEntry, defaults: SourceValues) -> WorkspaceEntry:
    silent = SourceValues.model_fields.keys() - entry.model_fields_set
    return entry.model_copy(update={name: getattr(defaults, name) for name in silent})
