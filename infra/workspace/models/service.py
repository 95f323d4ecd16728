"""Registered models by name: three levels are Unity Catalog's, all others the workspace's own registry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from infra.workspace.catalog.registry import RegistryBackend
from infra.workspace.control.clock import Clock
from infra.workspace.gateway.errors import AlreadyExists, ApiError, BadRequest, NotSupported
from infra.workspace.identity.principal import Principal
from infra.workspace.models import legacy
from infra.workspace.models.backend import MlflowRegistry
from infra.workspace.models.legacy import LegacyModels
from infra.workspace.store.database import Store
from infra.workspace.tracking.access import Action
from infra.workspace.tracking.service import TrackingService

_KIND = "registered_model"
_LEGACY: Mapping[Action, str] = {
    "read": legacy.READ,
    "edit": legacy.EDIT,
    "create_version": legacy.EDIT,
    "manage": legacy.MANAGE,
}


class CatalogModels(Protocol):
    """The catalog's registered models."""

    def attach(self, registry: RegistryBackend) -> None: ...

    def create_registered_model(self, principal: Principal, body: Mapping[str, Any]) -> dict[str, Any]: ...

    def update_registered_model(
        self, principal: Principal, full_name: str, body: Mapping[str, Any]
    ) -> dict[str, Any]: ...

    def delete_registered_model(self, principal: Principal, full_name: str) -> None: ...


class Catalog(Protocol):
    """What the models room needs of the catalog."""

    @property
    def models(self) -> CatalogModels: ...

    def exists(self, securable_type: str, full_name: str) -> bool: ...

    def require(self, principal: Principal, securable_type: str, full_name: str, privilege: str) -> None: ...

    def privileges_on(self, principal: Principal, securable_type: str, full_name: str) -> frozenset[str]: ...


class ModelsService:
    """Keeps catalog and registry at one: what makes, renames or deletes a model in one does so in the other."""

    def __init__(self, store: Store, clock: Clock, tracking: TrackingService, catalog: Catalog) -> None:
        self._catalog = catalog
        self._registry = MlflowRegistry(tracking.mlflow)
        self._legacy = LegacyModels(store, tracking.permissions, self._registry)
        catalog.models.attach(self._registry)
        tracking.access.registry = self

    def require(self, principal: Principal, name: str, action: Action) -> None:
        """Raises NotFound or PermissionDenied unless the principal may do this with the model.

        EXECUTE reads; its owner, or MANAGE, changes it and its versions; new versions need CREATE MODEL VERSION.
        """
        if not _in_catalog(name):
            self._legacy.require(principal, name, _LEGACY[action])
        elif action == "read":
            self._require_any(principal, name, "EXECUTE", "MANAGE")
        elif action == "create_version":
            self._require_any(principal, name, "CREATE_MODEL_VERSION", "MANAGE")
            self._registry.ensure(name)
        else:
            self._catalog.require(principal, _KIND, name, "MANAGE")

    def sees(self, principal: Principal, name: str) -> bool:
        if not _in_catalog(name):
            return self._legacy.sees(principal, name)
        try:
            return bool(self._catalog.privileges_on(principal, _KIND, name))
        except ApiError:
            return False

    def create_registered_model(
        self, principal: Principal, name: str, tags: Sequence[Mapping[str, Any]], description: str | None
    ) -> dict[str, Any]:
        """Makes a model; MLflow's clients go on with one that exists, if they are told so."""
        name = _canonical(name)
        if not _in_catalog(name):
            self._legacy.create(principal, name, description)
        else:
            if self._catalog.exists(_KIND, name) and self.sees(principal, name):
                raise AlreadyExists(f"Registered Model (name={name}) already exists.")
            catalog, schema, short = name.split(".")
            body = {"catalog_name": catalog, "schema_name": schema, "name": short, "comment": description or None}
            self._catalog.models.create_registered_model(principal, body)
        for tag in tags:
            self._registry.set_tag(name, str(tag.get("key")), str(tag.get("value", "")))
        return {"registered_model": self._registry.get(name)}

    def rename_registered_model(self, principal: Principal, name: str, new_name: str) -> dict[str, Any]:
        name, new_name = _canonical(name), _canonical(new_name)
        if _in_catalog(name) != _in_catalog(new_name):
            raise NotSupported("registered-models/rename between the workspace's registry and Unity Catalog")
        if not _in_catalog(name):
            self._legacy.rename(principal, name, new_name)
        else:
            holder, _, short = new_name.rpartition(".")
            if holder != name.rpartition(".")[0]:
                raise NotSupported("registered-models/rename into another schema")
            self._catalog.models.update_registered_model(principal, name, {"new_name": short})
        return {"registered_model": self._registry.get(new_name)}

    def update_registered_model(self, principal: Principal, name: str, description: str | None) -> dict[str, Any]:
        name = _canonical(name)
        if _in_catalog(name):
            self._catalog.models.update_registered_model(principal, name, {"comment": description})
        else:
            self._legacy.update(principal, name, description)
        return {"registered_model": self._registry.get(name)}

    def delete_registered_model(self, principal: Principal, name: str) -> dict[str, Any]:
        if _in_catalog(name):
            self._catalog.models.delete_registered_model(principal, name)
        else:
            self._legacy.delete(principal, name)
        return {}

    def transition_stage(
        self, principal: Principal, name: str, version: str, stage: str, archive_existing_versions: bool
    ) -> dict[str, Any]:
        if _in_catalog(name):
            raise BadRequest("Model stages are not supported for models in Unity Catalog: use aliases")
        return self._legacy.transition(principal, name, version, stage, archive_existing_versions)

    def get_registered_model_databricks(self, principal: Principal, name: str) -> dict[str, Any]:
        if _in_catalog(name):
            raise BadRequest(f"{name} is a model in Unity Catalog: use /api/2.1/unity-catalog/models")
        return {"registered_model_databricks": self._legacy.describe(principal, name)}

    def list_registered_models(self, principal: Principal, fields: Mapping[str, str]) -> dict[str, Any]:
        """Databricks' older name for a search without a filter, of the workspace's own registry."""
        answer = self._registry.search({key: fields[key] for key in ("max_results", "page_token") if key in fields})
        found = answer.get("registered_models", [])
        seen = [model for model in found if not _in_catalog(model["name"]) and self.sees(principal, model["name"])]
        return {**answer, "registered_models": seen}

    def _require_any(self, principal: Principal, name: str, privilege: str, other: str) -> None:
        if other not in self._catalog.privileges_on(principal, _KIND, name):
            self._catalog.require(principal, _KIND, name, privilege)


def _canonical(name: str) -> str:
    """Unity Catalog keeps names in lower case; the workspace's registry keeps them as they are."""
    return name.lower() if _in_catalog(name) else name


def _in_catalog(name: str) -> bool:
    return name.count(".") == 2 and all(name.split("."))
