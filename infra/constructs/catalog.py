"""Unity Catalog: catalogs, schemas, volumes, registered models, and who may do what with them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from infra.constructs.part import Part
from infra.constructs.tags import require_tags
from infra.synth.library import Construct, cdk, provider
from infra.synth.stack import WorkspaceStack

Privileges = Mapping[str, Sequence[str]]
"""Privileges by principal: a group's name or a service principal's application id."""

Securable = Literal["catalog", "schema", "volume", "model"]

SharedSecurable = Literal["catalog", "schema", "table", "external_location"]


def grant(scope: WorkspaceStack, part: Part, kind: Securable, name: str, full_name: str, given: Privileges) -> None:
    """All grants on one object; what is not listed is taken away. Without any privilege nothing is made."""
    blocks = [
        provider("grants").GrantsGrant(principal=principal, privileges=sorted(privileges))
        for principal, privileges in given.items()
        if privileges
    ]
    if blocks:
        scope.make(part, "databricks_grants", name, **{kind: full_name}, grant=blocks)


def grant_beside(
    scope: WorkspaceStack, part: Construct, kind: SharedSecurable, name: str, full_name: str, given: Privileges
) -> None:
    """Grants on an object that others own or grant as well: what these principals have, and nobody else's."""
    for number, (principal, privileges) in enumerate(given.items(), start=1):
        scope.make(
            part,
            "databricks_grant",
            name if number == 1 else f"{name}_{number}",
            **{kind: full_name},
            principal=principal,
            privileges=sorted(privileges),
        )


@dataclass(frozen=True)
class CatalogConfig:
    """A catalog; `destroy_data` lets a destroy remove what is in it."""

    name: str
    tags: Mapping[str, str]
    comment: str = ""
    destroy_data: bool = False
    privileges: Privileges = field(default_factory=dict)


class Catalog(Part):
    """A catalog with its grants. Output: `name`."""

    def __init__(self, scope: WorkspaceStack, name: str, config: CatalogConfig) -> None:
        super().__init__(scope, name)
        catalog = scope.make(
            self,
            "databricks_catalog",
            name,
            name=config.name,
            comment=config.comment,
            properties=require_tags(config.tags, f"catalog {config.name}"),
            force_destroy=config.destroy_data,
        )
        self.name: str = catalog.name
        grant(scope, self, "catalog", name, self.name, config.privileges)


@dataclass(frozen=True)
class SchemaConfig:
    """A schema of a catalog."""

    catalog: str
    name: str
    tags: Mapping[str, str]
    comment: str = ""
    destroy_data: bool = False
    privileges: Privileges = field(default_factory=dict)


class Schema(Part):
    """A schema with its grants. Outputs: `catalog`, `name`, `full_name`."""

    def __init__(self, scope: WorkspaceStack, name: str, config: SchemaConfig) -> None:
        super().__init__(scope, name)
        schema = scope.make(
            self,
            "databricks_schema",
            name,
            catalog_name=config.catalog,
            name=config.name,
            comment=config.comment,
            properties=require_tags(config.tags, f"schema {config.name}"),
            force_destroy=config.destroy_data,
        )
        self.catalog: str = schema.catalog_name
        self.name: str = schema.name
        self.full_name: str = schema.id
        grant(scope, self, "schema", name, self.full_name, config.privileges)


@dataclass(frozen=True)
class VolumeConfig:
    """A managed volume of a schema."""

    catalog: str
    schema: str
    name: str
    comment: str = ""
    privileges: Privileges = field(default_factory=dict)


class Volume(Part):
    """A managed volume with its grants. Outputs: `full_name`, `path`."""

    def __init__(self, scope: WorkspaceStack, name: str, config: VolumeConfig) -> None:
        super().__init__(scope, name)
        volume = scope.make(
            self,
            "databricks_volume",
            name,
            catalog_name=config.catalog,
            schema_name=config.schema,
            name=config.name,
            volume_type="MANAGED",
            comment=config.comment,
        )
        self.full_name: str = volume.id
        self.path: str = volume.volume_path
        grant(scope, self, "volume", name, self.full_name, config.privileges)


@dataclass(frozen=True)
class RegisteredModelConfig:
    """A registered model; its versions and aliases are made by jobs, not here. No owner: whoever deploys it."""

    catalog: str
    schema: str
    name: str
    comment: str = ""
    owner: str | None = None
    privileges: Privileges = field(default_factory=dict)


class RegisteredModel(Part):
    """A registered model with its grants. Output: `full_name`."""

    def __init__(self, scope: WorkspaceStack, name: str, config: RegisteredModelConfig) -> None:
        super().__init__(scope, name)
        model = scope.make(
            self,
            "databricks_registered_model",
            name,
            catalog_name=config.catalog,
            schema_name=config.schema,
            name=config.name,
            comment=config.comment,
            owner=config.owner,
            # Aliases are set when a version is promoted; Terraform must not take them away.
            lifecycle=cdk.TerraformResourceLifecycle(ignore_changes=["aliases"]),
        )
        self.full_name: str = model.id
        grant(scope, self, "model", name, self.full_name, config.privileges)
