"""Registered models: the catalog keeps name, owner, comment and grants; the registry keeps versions and aliases."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from infra.workspace.catalog import names
from infra.workspace.catalog.core import Core, holder_fields, told
from infra.workspace.catalog.kinds import KINDS
from infra.workspace.catalog.paging import page
from infra.workspace.catalog.registry import RegistryBackend, alias_answer, version_answer
from infra.workspace.catalog.securables import Securable
from infra.workspace.gateway.errors import BadRequest, NotFound
from infra.workspace.identity.principal import Principal

Body = Mapping[str, Any]
_SCHEMA = KINDS["schema"]
_FUNCTION = KINDS["function"]


class RegisteredModelsService:
    """Creates, lists, reads, changes and deletes registered models, their versions and aliases."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def attach(self, registry: RegistryBackend) -> None:
        """Gives the catalog the registry that keeps versions and aliases from now on."""
        self._core.registry = registry

    def create_registered_model(self, principal: Principal, body: Body) -> dict[str, Any]:
        """Adds a model to catalog and registry; both or neither."""
        core = self._core
        name = names.part(body.get("name"), "Registered model")
        schema = self._schema(str(body.get("catalog_name") or ""), str(body.get("schema_name") or ""))
        core.access.require_use(principal, core.securables.by_id(str(schema.parent)))
        core.access.require_use(principal, schema)
        core.access.require(principal, schema, "CREATE_MODEL")
        id = str(uuid.uuid4())
        location = core.storage.location("models", id)
        kept = told({"comment": body.get("comment"), "storage_location": body.get("storage_location") or location})
        core.registry.wait()
        with core.store.write():
            model = core.securables.add(_FUNCTION, schema, name, principal, kept, id)
            core.registry.create(model.full_name, body.get("comment"))
        return self._answer(model)

    def list_registered_models(
        self,
        principal: Principal,
        catalog_name: str | None,
        schema_name: str | None,
        max_results: int | None,
        page_token: str | None,
    ) -> dict[str, Any]:
        """The models of a schema, or of the whole metastore where no catalog is named."""
        core = self._core
        if bool(catalog_name) != bool(schema_name):
            raise BadRequest("catalog_name and schema_name are given together or not at all")
        if catalog_name and schema_name:
            schema = self._schema(catalog_name, schema_name)
            core.access.require_visible(principal, schema)
            found = core.securables.children(schema, _FUNCTION)
        else:
            found = [each for each in core.securables.descendants(core.securables.metastore) if each.kind is _FUNCTION]
        seen = core.access.visible(principal, found)
        return page("registered_models", [self._answer(model) for model in seen], max_results, page_token)

    def get_registered_model(
        self, principal: Principal, full_name: str, include_aliases: bool = False
    ) -> dict[str, Any]:
        return self._answer(self._visible(principal, full_name), include_aliases)

    def update_registered_model(self, principal: Principal, full_name: str, body: Body) -> dict[str, Any]:
        core = self._core
        model = core.securables.get(_FUNCTION, full_name)
        core.access.require_manage(principal, model)
        new_name = names.part(body["new_name"], "Registered model") if body.get("new_name") else None
        changes = {"comment": body["comment"] or None} if "comment" in body else {}
        core.registry.wait()
        with core.store.write():
            changed = core.securables.change(model, principal, body=changes, name=new_name)
            if changed.full_name != model.full_name:
                core.registry.rename(model.full_name, changed.full_name)
            if changes:
                core.registry.update(changed.full_name, changes["comment"])
            return self._answer(core.change_owner(principal, changed, body.get("owner")))

    def delete_registered_model(self, principal: Principal, full_name: str) -> None:
        """Removes the model with all its versions."""
        model = self._core.securables.get(_FUNCTION, full_name)
        self._core.access.require_manage(principal, model)
        self._core.remove(model)

    def list_model_versions(
        self, principal: Principal, full_name: str, max_results: int | None, page_token: str | None
    ) -> dict[str, Any]:
        model = self._visible(principal, full_name)
        told_model = self._answer(model)
        versions = [version_answer(told_model, version) for version in self._core.registry.versions(model.full_name)]
        return page("model_versions", versions, max_results, page_token)

    def get_model_version(self, principal: Principal, full_name: str, version: int) -> dict[str, Any]:
        model = self._visible(principal, full_name)
        return version_answer(self._answer(model), self._core.registry.version(model.full_name, version))

    def update_model_version(self, principal: Principal, full_name: str, version: int, body: Body) -> dict[str, Any]:
        model = self._managed(principal, full_name)
        changed = self._core.registry.update_version(model.full_name, version, body.get("comment"))
        return version_answer(self._answer(model), changed)

    def delete_model_version(self, principal: Principal, full_name: str, version: int) -> None:
        self._core.registry.delete_version(self._managed(principal, full_name).full_name, version)

    def get_by_alias(self, principal: Principal, full_name: str, alias: str) -> dict[str, Any]:
        model = self._visible(principal, full_name)
        version = self._core.registry.aliases(model.full_name).get(alias)
        if version is None:
            raise NotFound(f"Alias '{alias}' of model '{model.full_name}' does not exist.", "RESOURCE_DOES_NOT_EXIST")
        return version_answer(self._answer(model), self._core.registry.version(model.full_name, version))

    def set_alias(self, principal: Principal, full_name: str, alias: str, version: int) -> dict[str, Any]:
        model = self._managed(principal, full_name)
        self._core.registry.set_alias(model.full_name, alias, version)
        return alias_answer(self._answer(model), alias, version)

    def delete_alias(self, principal: Principal, full_name: str, alias: str) -> None:
        self._core.registry.delete_alias(self._managed(principal, full_name).full_name, alias)

    def _schema(self, catalog_name: str, schema_name: str) -> Securable:
        return self._core.securables.get(
            _SCHEMA, ".".join(f"`{name.strip('`')}`" for name in (catalog_name, schema_name))
        )

    def _visible(self, principal: Principal, full_name: str) -> Securable:
        model = self._core.securables.get(_FUNCTION, full_name)
        self._core.access.require_visible(principal, model)
        return model

    def _managed(self, principal: Principal, full_name: str) -> Securable:
        model = self._core.securables.get(_FUNCTION, full_name)
        self._core.access.require_manage(principal, model)
        return model

    def _answer(self, model: Securable, include_aliases: bool = False) -> dict[str, Any]:
        answer = {
            **holder_fields(model),
            **model.audit(),
            **model.body,
            "id": model.id,
            "metastore_id": self._core.metastore_id,
        }
        if include_aliases:
            aliases = self._core.registry.aliases(model.full_name)
            answer["aliases"] = [alias_answer(answer, alias, version) for alias, version in sorted(aliases.items())]
        return told(answer)
