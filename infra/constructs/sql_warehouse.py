"""SQL warehouses: what tables are made on, and what dashboards and alerts ask."""

from collections.abc import Mapping
from dataclasses import dataclass

from infra.constructs.part import Part
from infra.constructs.tags import require_tags
from infra.settings.environment import Warehouse
from infra.synth.library import provider
from infra.synth.stack import WorkspaceStack


@dataclass(frozen=True)
class SqlWarehouseConfig:
    """A warehouse of one cluster, which stops by itself when nobody asks it anything."""

    name: str
    warehouse: Warehouse
    tags: Mapping[str, str]


class SqlWarehouse(Part):
    """A SQL warehouse. Outputs: `id`, `name`."""

    def __init__(self, scope: WorkspaceStack, name: str, config: SqlWarehouseConfig) -> None:
        super().__init__(scope, name)
        module = provider("sql_endpoint")
        tags = require_tags(config.tags, f"SQL warehouse {config.name}")
        made = scope.make(
            self,
            "databricks_sql_endpoint",
            name,
            name=config.name,
            cluster_size=config.warehouse.size,
            warehouse_type="PRO",  # Databricks' word for serverless ones, too
            enable_serverless_compute=config.warehouse.serverless,
            auto_stop_mins=config.warehouse.auto_stop_minutes,
            min_num_clusters=1,
            max_num_clusters=1,
            tags=module.SqlEndpointTags(
                custom_tags=[module.SqlEndpointTagsCustomTags(key=k, value=v) for k, v in sorted(tags.items())]
            ),
        )
        self.id: str = made.id
        self.name: str = config.name
