"""What the catalog asks of the model registry: versions and aliases of registered models are the registry's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from infra.workspace.gateway.errors import NotSupported


@dataclass(frozen=True)
class ModelVersion:
    """One version of a registered model; times in milliseconds since the epoch."""

    version: int
    created_at: int
    created_by: str
    updated_at: int
    updated_by: str
    status: str = "READY"
    comment: str | None = None
    run_id: str | None = None
    source: str | None = None
    storage_location: str | None = None
    aliases: tuple[str, ...] = ()


class RegistryBackend(Protocol):
    """The registry behind registered models, addressed by full name (catalog.schema.model).

    The catalog has checked the caller's privileges and keeps name, owner, comment and grants. `create`, `rename` and
    `delete` are called inside the catalog's transaction and must be safe to repeat: a kill may come before it commits.
    A version or alias that does not exist is a `NotFound`.
    """

    def wait(self) -> None:
        """Waits until the registry answers: its start takes seconds, in which a transaction would hold up all rooms."""

    def create(self, full_name: str, comment: str | None) -> None: ...

    def rename(self, full_name: str, new_full_name: str) -> None: ...

    def update(self, full_name: str, comment: str | None) -> None: ...

    def delete(self, full_name: str) -> None: ...

    def versions(self, full_name: str) -> Sequence[ModelVersion]: ...

    def version(self, full_name: str, version: int) -> ModelVersion: ...

    def update_version(self, full_name: str, version: int, comment: str | None) -> ModelVersion: ...

    def delete_version(self, full_name: str, version: int) -> None: ...

    def aliases(self, full_name: str) -> Mapping[str, int]: ...

    def set_alias(self, full_name: str, alias: str, version: int) -> None: ...

    def delete_alias(self, full_name: str, alias: str) -> None: ...


class NoRegistry:
    """Stands in until a registry is attached: models can be named and granted on, but have no versions."""

    def wait(self) -> None:
        """Nothing to wait for."""

    def create(self, full_name: str, comment: str | None) -> None:
        """Nothing to do: the securable is all there is."""

    def rename(self, full_name: str, new_full_name: str) -> None:
        """As `create`."""

    def update(self, full_name: str, comment: str | None) -> None:
        """As `create`."""

    def delete(self, full_name: str) -> None:
        """As `create`."""

    def versions(self, full_name: str) -> Sequence[ModelVersion]:
        return ()

    def aliases(self, full_name: str) -> Mapping[str, int]:
        return {}

    def version(self, full_name: str, version: int) -> ModelVersion:
        raise self._none("getting a model version")

    def update_version(self, full_name: str, version: int, comment: str | None) -> ModelVersion:
        raise self._none("updating a model version")

    def delete_version(self, full_name: str, version: int) -> None:
        raise self._none("deleting a model version")

    def set_alias(self, full_name: str, alias: str, version: int) -> None:
        raise self._none("setting a model alias")

    def delete_alias(self, full_name: str, alias: str) -> None:
        raise self._none("deleting a model alias")

    def _none(self, call: str) -> NotSupported:
        return NotSupported(f"{call}: no model registry is attached to this catalog")


def version_answer(model: Mapping[str, Any], version: ModelVersion) -> dict[str, Any]:
    """REST's ModelVersionInfo for a version of the model that REST tells as `model`."""
    answer = {
        "model_name": model["name"],
        "catalog_name": model["catalog_name"],
        "schema_name": model["schema_name"],
        "metastore_id": model["metastore_id"],
        "version": version.version,
        "status": version.status,
        "comment": version.comment,
        "run_id": version.run_id,
        "source": version.source,
        "storage_location": version.storage_location,
        "created_at": version.created_at,
        "created_by": version.created_by,
        "updated_at": version.updated_at,
        "updated_by": version.updated_by,
        "aliases": [alias_answer(model, name, version.version) for name in version.aliases] or None,
    }
    return {key: value for key, value in answer.items() if value is not None}


def alias_answer(model: Mapping[str, Any], alias: str, version: int) -> dict[str, Any]:
    """REST's RegisteredModelAlias."""
    return {
        "alias_name": alias,
        "version_num": version,
        "model_name": model["name"],
        "catalog_name": model["catalog_name"],
        "schema_name": model["schema_name"],
    }
