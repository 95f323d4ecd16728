"""Lakeview (AI/BI) dashboards."""

from dataclasses import dataclass

from infra.constructs.part import Part
from infra.synth.stack import WorkspaceStack


@dataclass(frozen=True)
class DashboardConfig:
    """A published dashboard by its folder and title; `definition` is Lakeview's serialized format (JSON text)."""

    title: str
    folder: str
    warehouse_id: str
    definition: str
    embed_credentials: bool = False
    """True: viewers see what the deploying principal may see; false: each what they may see themselves."""


class Dashboard(Part):
    """A dashboard. Outputs: `id`, `path`."""

    def __init__(self, scope: WorkspaceStack, name: str, config: DashboardConfig) -> None:
        super().__init__(scope, name)
        dashboard = scope.make(
            self,
            "databricks_dashboard",
            name,
            display_name=config.title,
            parent_path=config.folder,
            warehouse_id=config.warehouse_id,
            serialized_dashboard=config.definition,
            embed_credentials=config.embed_credentials,
        )
        self.id: str = dashboard.id
        self.path: str = dashboard.path
