"""The workspace's own registry, for names that are not of Unity Catalog: permissions by id, and stages."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from infra.workspace.gateway.errors import AlreadyExists, BadRequest, NotFound, PermissionDenied
from infra.workspace.identity.permissions import Permissions
from infra.workspace.identity.principal import Principal
from infra.workspace.models.backend import MlflowRegistry
from infra.workspace.store.database import Store
from infra.workspace.store.documents import Documents, NameTaken

TYPE = "registered-models"
READ, EDIT, MANAGE = "CAN_READ", "CAN_EDIT", "CAN_MANAGE"
_STAGING, _PRODUCTION = "CAN_MANAGE_STAGING_VERSIONS", "CAN_MANAGE_PRODUCTION_VERSIONS"
_STAGES = ("None", "Staging", "Production", "Archived")


class LegacyModels:
    """A model exists if our store knows it; what MLflow has besides is what a kill left."""

    def __init__(self, store: Store, permissions: Permissions, registry: MlflowRegistry) -> None:
        self._store = store
        self._permissions = permissions
        self._registry = registry
        self._models = Documents(store, "registered model")
        permissions.register_type(TYPE, lambda id: self._models.get(id) is not None)

    def require(self, principal: Principal, name: str, level: str) -> str:
        """The model's id; raises NotFound or PermissionDenied."""
        id = self._id(name)
        if not self._permissions.allows(principal, TYPE, id, level):
            raise PermissionDenied(f"{principal.name} does not have {level} permission on registered model {name}")
        return id

    def sees(self, principal: Principal, name: str) -> bool:
        model = self._models.find(name)
        return model is not None and self._permissions.allows(principal, TYPE, model["id"], READ)

    def create(self, principal: Principal, name: str, description: str | None) -> None:
        if self._models.find(name) is not None:
            raise _taken(name)
        id = uuid.uuid4().hex
        self._registry.wait()
        try:
            with self._store.write():
                self._models.put(id, {"id": id, "name": name, "user_id": principal.name}, name=name)
                self._permissions.grant_owner(TYPE, id, principal)
                self._registry.create(name, description)
        except NameTaken as error:
            raise _taken(name) from error

    def rename(self, principal: Principal, name: str, new_name: str) -> None:
        id = self.require(principal, name, MANAGE)
        self._registry.wait()
        try:
            with self._store.write():
                self._models.put(id, {**self._model(name), "name": new_name}, name=new_name)
                self._registry.rename(name, new_name)
        except NameTaken as error:
            raise _taken(new_name) from error

    def update(self, principal: Principal, name: str, description: str | None) -> None:
        self.require(principal, name, EDIT)
        self._registry.update(name, description)

    def delete(self, principal: Principal, name: str) -> None:
        id = self.require(principal, name, MANAGE)
        self._registry.wait()
        with self._store.write():
            self._models.delete(id)
            self._permissions.forget(TYPE, id)
            self._registry.delete(name)

    def describe(self, principal: Principal, name: str) -> dict[str, Any]:
        """The model as Databricks' own call tells it: MLflow's fields, the id and the caller's level."""
        id = self.require(principal, name, READ)
        model = self._registry.get(name)
        level = self._permissions.level(principal, TYPE, id)
        return {**model, "id": id, "user_id": self._model(name).get("user_id"), "permission_level": level}

    def transition(self, principal: Principal, name: str, version: str, stage: str, archive: bool) -> dict[str, Any]:
        """Moves a version to a stage; into and out of Production takes the right to manage production versions."""
        found = next((known for known in _STAGES if known.lower() == stage.lower()), None)
        if found is None:
            raise BadRequest(f"Invalid Model Version stage: {stage}. Value must be one of {', '.join(_STAGES)}.")
        if archive and found not in ("Staging", "Production"):
            raise BadRequest(f"archive_existing_versions is for the stages Staging and Production, not {found}")
        current = next(
            (item.get("current_stage") for item in self._registry.get(name).get("latest_versions", [])
             if str(item.get("version")) == version), None,
        )  # fmt: skip
        level = _PRODUCTION if "Production" in (found, current) else _STAGING
        self.require(principal, name, level)
        return self._registry.transition(name, version, found, archive)

    def _id(self, name: str) -> str:
        return str(self._model(name)["id"])

    def _model(self, name: str) -> Mapping[str, Any]:
        model = self._models.find(name)
        if model is None:
            raise NotFound(f"Registered Model with name={name} not found")
        return model


def _taken(name: str) -> AlreadyExists:
    return AlreadyExists(f"Registered Model (name={name}) already exists.")
