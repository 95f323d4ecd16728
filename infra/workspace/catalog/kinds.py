"""The kinds of securables, what contains what, and Databricks' error codes for each."""

from __future__ import annotations

from dataclasses import dataclass

from infra.workspace.gateway.errors import AlreadyExists, BadRequest, NotFound


class ObjectExists(AlreadyExists):
    """Unity Catalog answers 409 here; engines rely on it for CREATE … IF NOT EXISTS."""

    status = 409


@dataclass(frozen=True)
class Kind:
    """One kind of securable; `parent` is the kind of what holds it, `plural` its word in REST paths and answers."""

    name: str
    label: str
    plural: str
    parent: str | None
    code: str

    @property
    def depth(self) -> int:
        """How many parts a full name has; a metastore is named by itself."""
        if self.parent in (None, "metastore"):
            return 1
        return KINDS[self.parent].depth + 1 if self.parent else 1

    def missing(self, full_name: str) -> NotFound:
        return NotFound(f"{self.label} '{full_name}' does not exist.", f"{self.code}_DOES_NOT_EXIST")

    def exists(self, full_name: str) -> ObjectExists:
        return ObjectExists(f"{self.label} '{full_name}' already exists", f"{self.code}_ALREADY_EXISTS")


KINDS = {
    kind.name: kind
    for kind in (
        Kind("metastore", "Metastore", "metastores", None, "METASTORE"),
        Kind("catalog", "Catalog", "catalogs", "metastore", "CATALOG"),
        Kind("schema", "Schema", "schemas", "catalog", "SCHEMA"),
        Kind("table", "Table", "tables", "schema", "TABLE"),
        Kind("volume", "Volume", "volumes", "schema", "VOLUME"),
        Kind("function", "Routine or Model", "registered_models", "schema", "ROUTINE"),
        Kind("external_location", "External Location", "external_locations", "metastore", "EXTERNAL_LOCATION"),
        Kind("storage_credential", "Storage Credential", "storage_credentials", "metastore", "STORAGE_CREDENTIAL"),
    )
}

_ALIASES = {
    "model": "function",
    "registered_model": "function",
    "registered-model": "function",
    "external-location": "external_location",
    "storage-credential": "storage_credential",
}


def kind_of(securable_type: str) -> Kind:
    """The kind that a REST securable type names, in any case; a registered model's is `function`, as on Databricks."""
    name = securable_type.lower()
    kind = KINDS.get(_ALIASES.get(name, name))
    if kind is None:
        raise BadRequest(f"Securable type '{securable_type}' is not one of {', '.join(sorted(KINDS))}")
    return kind
