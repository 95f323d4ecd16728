"""MLflow's registry as the place of versions and aliases; every change may be repeated after a kill."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from infra.workspace.catalog.registry import ModelVersion
from infra.workspace.gateway.errors import NotFound
from infra.workspace.tracking.process import MlflowError, MlflowServer

_API = "/api/2.0/mlflow/"
_MISSING = "RESOURCE_DOES_NOT_EXIST"
_TAKEN = "RESOURCE_ALREADY_EXISTS"


class MlflowRegistry:
    """What the catalog asks of the registry behind its registered models, and the models room of its own ones."""

    def __init__(self, mlflow: MlflowServer) -> None:
        self._mlflow = mlflow

    def wait(self) -> None:
        """Waits until MLflow answers, which takes seconds after the workspace's start."""
        self._mlflow.wait()

    def get(self, name: str) -> dict[str, Any]:
        """The model as MLflow tells it; raises MlflowError where MLflow has none."""
        answer = self._mlflow.call("GET", _API + "registered-models/get", params={"name": name})
        model: dict[str, Any] = answer["registered_model"]
        return model

    def search(self, params: dict[str, Any]) -> dict[str, Any]:
        """One page of all models, of the catalog and of the workspace."""
        return self._mlflow.call("GET", _API + "registered-models/search", params=params)

    def create(self, full_name: str, comment: str | None) -> None:
        """Adds an empty model. One of that name is what a kill left, as whoever calls keeps the names: it goes."""
        try:
            self._create(full_name, comment)
        except MlflowError as error:
            if error.code != _TAKEN:
                raise
            self.delete(full_name)
            self._create(full_name, comment)

    def ensure(self, full_name: str) -> None:
        """Adds the model if MLflow has none: a deletion that a kill cut short leaves the catalog with the name."""
        try:
            self.get(full_name)
        except MlflowError as error:
            if error.code != _MISSING:
                raise
            self._create(full_name, None)

    def rename(self, full_name: str, new_full_name: str) -> None:
        try:
            self._mlflow.call("POST", _API + "registered-models/rename", {"name": full_name, "new_name": new_full_name})
        except MlflowError as error:
            if error.code != _MISSING:
                raise
            self.ensure(new_full_name)

    def update(self, full_name: str, comment: str | None) -> None:
        self.ensure(full_name)
        self._mlflow.call("PATCH", _API + "registered-models/update", {"name": full_name, "description": comment or ""})

    def delete(self, full_name: str) -> None:
        try:
            self._mlflow.call("DELETE", _API + "registered-models/delete", {"name": full_name})
        except MlflowError as error:
            if error.code != _MISSING:
                raise

    def set_tag(self, full_name: str, key: str, value: str) -> None:
        body = {"name": full_name, "key": key, "value": value}
        self._mlflow.call("POST", _API + "registered-models/set-tag", body)

    def versions(self, full_name: str) -> Sequence[ModelVersion]:
        """All versions, oldest first; none for a model that MLflow does not have."""
        found = sorted(self._search(full_name), key=lambda version: int(version["version"]))
        names: dict[int, list[str]] = {}
        for alias, number in self.aliases(full_name).items() if found else ():
            names.setdefault(number, []).append(alias)
        return [_version(version, names.get(int(version["version"]), ())) for version in found]

    def version(self, full_name: str, version: int) -> ModelVersion:
        params = {"name": full_name, "version": str(version)}
        answer = self._asked(full_name, version, "GET", "model-versions/get", params=params)["model_version"]
        return _version(answer, answer.get("aliases", ()))

    def update_version(self, full_name: str, version: int, comment: str | None) -> ModelVersion:
        body = {"name": full_name, "version": str(version), "description": comment or ""}
        self._asked(full_name, version, "PATCH", "model-versions/update", body)
        return self.version(full_name, version)

    def delete_version(self, full_name: str, version: int) -> None:
        self._asked(full_name, version, "DELETE", "model-versions/delete", {"name": full_name, "version": str(version)})

    def aliases(self, full_name: str) -> Mapping[str, int]:
        try:
            model = self.get(full_name)
        except MlflowError as error:
            if error.code != _MISSING:
                raise
            return {}
        return {alias["alias"]: int(alias["version"]) for alias in model.get("aliases", [])}

    def set_alias(self, full_name: str, alias: str, version: int) -> None:
        body = {"name": full_name, "alias": alias, "version": str(version)}
        self._asked(full_name, version, "POST", "registered-models/alias", body)

    def delete_alias(self, full_name: str, alias: str) -> None:
        if alias not in self.aliases(full_name):
            raise NotFound(f"Alias '{alias}' of model '{full_name}' does not exist.", _MISSING)
        self._mlflow.call("DELETE", _API + "registered-models/alias", {"name": full_name, "alias": alias})

    def transition(self, name: str, version: str, stage: str, archive: bool) -> dict[str, Any]:
        body = {"name": name, "version": version, "stage": stage, "archive_existing_versions": archive}
        answer = self._mlflow.call("POST", _API + "model-versions/transition-stage", body)
        moved: dict[str, Any] = answer["model_version"]
        return moved

    def _create(self, full_name: str, comment: str | None) -> None:
        body = {"name": full_name, "description": comment or ""}
        self._mlflow.call("POST", _API + "registered-models/create", body)

    def _search(self, full_name: str) -> Iterator[dict[str, Any]]:
        quoted = full_name.replace("'", "''")
        params = {"filter": f"name = '{quoted}'", "max_results": 1000}
        while True:
            answer = self._mlflow.call("GET", _API + "model-versions/search", params=params)
            yield from answer.get("model_versions", [])
            if not answer.get("next_page_token"):
                return
            params["page_token"] = answer["next_page_token"]

    def _asked(self, full_name: str, version: int, method: str, path: str, body: Any = None, **options: Any) -> Any:
        try:
            return self._mlflow.call(method, _API + path, body, **options)
        except MlflowError as error:
            if error.code != _MISSING:
                raise
            raise NotFound(f"Model version '{version}' of model '{full_name}' does not exist.", _MISSING) from error


def _version(answer: Mapping[str, Any], aliases: Sequence[str]) -> ModelVersion:
    creator = str(answer.get("user_id") or "")
    return ModelVersion(
        version=int(answer["version"]),
        created_at=int(answer["creation_timestamp"]),
        created_by=creator,
        updated_at=int(answer["last_updated_timestamp"]),
        updated_by=creator,
        status=_STATUSES.get(str(answer.get("status")), "READY"),
        comment=answer.get("description") or None,
        run_id=answer.get("run_id") or None,
        source=answer.get("source") or None,
        aliases=tuple(sorted(aliases)),
    )


_STATUSES = {"PENDING_REGISTRATION": "PENDING_REGISTRATION", "FAILED_REGISTRATION": "FAILED_REGISTRATION"}
