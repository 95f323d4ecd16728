"""Data sources of Unity Catalog: one object by its name, or the names of many."""

from typing import ClassVar

from infra.workspace.terraform.families.catalog import UNITY
from infra.workspace.terraform.planning import State
from infra.workspace.terraform.resource import DataSource, Mapper, data_source
from infra.workspace.terraform.session import Api, segment


class _One(DataSource):
    path: ClassVar[str]
    info: ClassVar[str]
    """The block that holds what the workspace answers."""

    def read(self, api: Api, config: State) -> State:
        answer = api.get(f"{UNITY}/{self.path}/{segment(config['name'])}")
        block = self.schema.block.blocks[self.info].block
        return {"id": answer.get("full_name") or answer["name"], self.info: [Mapper(block, {}).state(answer)]}


@data_source("databricks_catalog")
class CatalogData(_One):
    path = "catalogs"
    info = "catalog_info"


@data_source("databricks_schema")
class SchemaData(_One):
    path = "schemas"
    info = "schema_info"


@data_source("databricks_volume")
class VolumeData(_One):
    path = "volumes"
    info = "volume_info"


@data_source("databricks_table")
class TableData(_One):
    path = "tables"
    info = "table_info"


class _Many(DataSource):
    path: ClassVar[str]
    given: ClassVar[tuple[str, ...]] = ()

    def read(self, api: Api, config: State) -> State:
        found = api.pages(f"{UNITY}/{self.path}", self.path, {name: config.get(name) for name in self.given})
        names = [each.get("full_name") or each["name"] for each in found if each.get("table_type") != "VIEW"]
        return {"id": "_", "ids": names}


@data_source("databricks_catalogs")
class CatalogsData(_Many):
    path = "catalogs"


@data_source("databricks_schemas")
class SchemasData(_Many):
    path = "schemas"
    given = ("catalog_name",)


@data_source("databricks_volumes")
class VolumesData(_Many):
    path = "volumes"
    given = ("catalog_name", "schema_name")


@data_source("databricks_tables")
class TablesData(_Many):
    path = "tables"
    given = ("catalog_name", "schema_name")


@data_source("databricks_current_metastore")
class CurrentMetastore(DataSource):
    def read(self, api: Api, config: State) -> State:
        answer = api.get(f"{UNITY}/metastore_summary")
        block = self.schema.block.blocks["metastore_info"].block
        return {"id": answer["metastore_id"], "metastore_info": [Mapper(block, {}).state(answer)]}


@data_source("databricks_registered_model")
class RegisteredModelData(DataSource):
    def read(self, api: Api, config: State) -> State:
        wanted = {"include_aliases": config.get("include_aliases"), "include_browse": config.get("include_browse")}
        answer = api.get(f"{UNITY}/models/{segment(config['full_name'])}", wanted)
        return {"model_info": [answer]}


@data_source("databricks_registered_model_versions")
class RegisteredModelVersionsData(DataSource):
    def read(self, api: Api, config: State) -> State:
        path = f"{UNITY}/models/{segment(config['full_name'])}/versions"
        return {"model_versions": api.pages(path, "model_versions")}
