"""The types that the provider serves: what the family files declare, with the schemas of the real provider."""

from functools import cached_property
from pathlib import Path

from infra.workspace.terraform import families
from infra.workspace.terraform.resource import DataSource, Refused, Registry, Resource
from infra.workspace.terraform.schemas import Schema, SchemaCatalog


class Types:
    """Resource and data source types by name. The schemas are loaded when first asked for."""

    def __init__(self, cache_dir: Path | None = None) -> None:
        self._catalog = SchemaCatalog(cache_dir)

    @cached_property
    def provider(self) -> Schema:
        return self._catalog.provider

    @cached_property
    def resources(self) -> dict[str, Resource]:
        families.load()
        found = {}
        for name, kind in sorted(Registry.resources.items()):
            found[name] = kind(name)
            found[name].schema = self._catalog.resources[name]
        return found

    @cached_property
    def data_sources(self) -> dict[str, DataSource]:
        families.load()
        found = {}
        for name, kind in sorted(Registry.data_sources.items()):
            found[name] = kind(name)
            found[name].schema = self._catalog.data_sources[name]
        return found

    def resource(self, name: str) -> Resource:
        """The resource type; Refused names a type that is not served."""
        if name not in self.resources:
            raise Refused(f"the local workspace's provider does not serve the resource type {name}")
        return self.resources[name]

    def data_source(self, name: str) -> DataSource:
        """The data source type; Refused names a type that is not served."""
        if name not in self.data_sources:
            raise Refused(f"the local workspace's provider does not serve the data source {name}")
        return self.data_sources[name]
