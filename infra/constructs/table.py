"""Managed Delta tables of Unity Catalog, made empty before any job writes them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from infra.constructs.part import Part
from infra.synth.library import cdk, provider
from infra.synth.stack import WorkspaceStack


@dataclass(frozen=True)
class TableColumn:
    """A column with its Spark SQL type."""

    name: str
    type: str
    comment: str = ""
    required: bool = False

    @property
    def catalog_type(self) -> str:
        """The type as Unity Catalog writes it, without spaces: any other text would be planned as a change for ever."""
        return re.sub(r"\s*([<>:,])\s*", r"\1", self.type.strip().lower())


@dataclass(frozen=True)
class TableConfig:
    """A table; rights on it are its schema's. No owner: whoever deploys it."""

    catalog: str
    schema: str
    name: str
    columns: Sequence[TableColumn]
    warehouse_id: str
    comment: str = ""
    owner: str | None = None


class Table(Part):
    """A managed Delta table. Output: `full_name`."""

    def __init__(self, scope: WorkspaceStack, name: str, config: TableConfig) -> None:
        super().__init__(scope, name)
        module = provider("sql_table")
        table = scope.make(
            self,
            "databricks_sql_table",
            name,
            catalog_name=config.catalog,
            schema_name=config.schema,
            name=config.name,
            table_type="MANAGED",
            data_source_format="DELTA",
            comment=config.comment,
            column=[
                module.SqlTableColumn(
                    name=each.name, type=each.catalog_type, comment=each.comment, nullable=not each.required
                )
                for each in config.columns
            ],
            warehouse_id=config.warehouse_id,
            owner=config.owner,
            # Steps add the columns that their code needs, and no deployment may drop a column with what is in it: that
            # of an older commit, as a rollback is one, would.
            lifecycle=cdk.TerraformResourceLifecycle(ignore_changes=["column"]),
        )
        self.full_name: str = table.id
