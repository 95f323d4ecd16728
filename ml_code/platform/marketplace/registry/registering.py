"""The registry half of what an import writes: registered models, versions, aliases and stages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ml_code.platform.marketplace.registry.http import Missing, Refused
from ml_code.platform.marketplace.registry.reading import API, Registry
from ml_code.platform.marketplace.registry.records import ModelVersion, RegisteredModel

_TAKEN = "ALREADY_EXISTS"  # RESOURCE_… of MLflow, ROUTINE_… of Unity Catalog


class Models:
    """Writes one registry, by the way that it is read. Errors are http.Refused and its kinds, http.Unreachable."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._rest = registry.rest
        self._client = registry.client

    def get(self, name: str) -> RegisteredModel | None:
        """The model, None where the registry has none of that name."""
        try:
            return self._registry.model(name)
        except Missing:
            return None

    def versions(self, name: str) -> list[ModelVersion]:
        """All versions with their tags, by number."""
        return self._registry.versions(name)

    def create(self, name: str, description: str, tags: Mapping[str, str]) -> bool:
        """Makes the model; False where one of that name is there by now, which stays as it is."""
        fields = {"name": name, "description": description, "tags": _pairs(tags)}
        try:
            if self._client:
                _told(self._client.create_registered_model, name, dict(tags), description)
            else:
                self._rest.call("POST", API + "registered-models/create", fields, repeatable=True)
        except Refused as error:
            if not error.code.endswith(_TAKEN):
                raise
            return False
        return True

    def create_version(
        self,
        name: str,
        *,
        source: str,
        run_id: str | None,
        model_id: str | None,
        description: str,
        tags: Mapping[str, str],
    ) -> int:
        """The new version's number. Where the answer is lost the version may be there: `versions` tells."""
        if self._client:
            # Unity Catalog on Databricks takes the files themselves: MLflow's client copies them from the source.
            made = _told(
                self._client.create_model_version,
                name,
                source,
                run_id,
                tags=dict(tags),
                description=description,
                model_id=model_id,
            )
            return int(made.version)
        fields = {
            "name": name,
            "source": source,
            "run_id": run_id,
            "model_id": model_id,
            "description": description,
            "tags": _pairs(tags),
        }
        fields = {key: value for key, value in fields.items() if value is not None}
        return int(self._rest.call("POST", API + "model-versions/create", fields)["model_version"]["version"])

    def tag_version(self, name: str, version: int, key: str, value: str) -> None:
        """Sets a tag of a version."""
        if self._client:
            _told(self._client.set_model_version_tag, name, str(version), key, value)
            return
        fields = {"name": name, "version": str(version), "key": key, "value": value}
        self._rest.call("POST", API + "model-versions/set-tag", fields, repeatable=True)

    def set_alias(self, name: str, alias: str, version: int) -> None:
        """Makes the alias point to the version."""
        if self._client:
            _told(self._client.set_registered_model_alias, name, alias, str(version))
            return
        fields = {"name": name, "alias": alias, "version": str(version)}
        self._rest.call("POST", API + "registered-models/alias", fields, repeatable=True)

    def set_stage(self, name: str, version: int, stage: str) -> None:
        """For registries with stages; what was in Production before is archived."""
        fields = {
            "name": name,
            "version": str(version),
            "stage": stage,
            "archive_existing_versions": stage == "Production",
        }
        self._rest.call("POST", API + "model-versions/transition-stage", fields, repeatable=True)


def _told(call: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    from mlflow.exceptions import MlflowException

    try:
        return call(*arguments, **options)
    except MlflowException as error:
        code = str(getattr(error, "json", {}).get("error_code", error.error_code))
        raise Refused(f"the registry refused: {error.message}", int(error.get_http_status_code()), code) from error


def _pairs(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in values.items()]
