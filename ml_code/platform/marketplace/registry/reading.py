"""A registry and the tracking server behind it, read. Unity Catalog on Databricks through MLflow's client, all others
through the REST API, which is the same calls in a fraction of the time.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from urllib3.util.retry import Retry

from ml_code.platform.errors import StepError
from ml_code.platform.marketplace.registry.http import Denied, Missing, Refused, Rest, bearer_or_basic
from ml_code.platform.marketplace.registry.records import (
    ModelVersion,
    RegisteredModel,
    model_of,
    model_of_entity,
    version_of,
    version_of_entity,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient

Kind = Literal["unity_catalog", "workspace"]
API = "/api/2.0/mlflow/"

_PAGE = 1000
_ABSENT = {"RESOURCE_DOES_NOT_EXIST", "NOT_FOUND", "ROUTINE_DOES_NOT_EXIST"}
_DENIED = {"PERMISSION_DENIED", "UNAUTHENTICATED", "CUSTOMER_UNAUTHORIZED", "401", "403"}


@dataclass(frozen=True)
class Registry:
    """One registry: `kind` says which models it lists. `client` is given where only MLflow's own client knows the way.

    Errors are http.Missing, http.Denied and http.Refused, and http.Unreachable.
    """

    uri: str
    kind: Kind
    rest: Rest
    client: MlflowClient | None = None

    @classmethod
    def connect(
        cls,
        tracking_uri: str | None = None,
        registry: str = "unity_catalog",
        *,
        connections: int = 32,
        retry: Retry | None = None,
    ) -> Registry:
        """By a tracking URI, or the one that MLflow has. Credentials come from where MLflow's clients take them."""
        kind = _kind(registry)
        uri = tracking_uri or _configured()
        if uri.startswith(("http://", "https://")):
            return cls(uri, kind, Rest(uri, bearer_or_basic, connections=connections, retry=retry))
        if urlsplit(uri).scheme != "databricks" and uri != "databricks":
            raise StepError(
                f"MLflow's tracking URI is {uri!r}: the marketplace reads servers (http, https) and databricks"
            )
        host, headers = _databricks(uri)
        rest = Rest(host, headers, connections=connections, retry=retry)
        if kind == "workspace":
            return cls(uri, kind, rest)
        from mlflow import MlflowClient

        return cls(uri, kind, rest, MlflowClient(uri, uri.replace("databricks", "databricks-uc", 1)))

    def models(self) -> Iterator[RegisteredModel]:
        """Every model that the caller sees. Unity Catalog on Databricks tells aliases and tags by `model` only."""
        found = self._searched_models() if self.client else map(model_of, self._pages("registered-models/search"))
        return (model for model in found if self.lists(model.name))

    def lists(self, name: str) -> bool:
        """Whether a name is one of this registry: those of Unity Catalog have three levels."""
        return is_in_catalog(name) == (self.kind == "unity_catalog")

    def model(self, name: str) -> RegisteredModel:
        """A model with its aliases and tags."""
        if self.client:
            return model_of_entity(_asked(self.client.get_registered_model, name))
        return model_of(self.rest.call("GET", API + "registered-models/get", {"name": name})["registered_model"])

    def version(self, model: str, version: int) -> ModelVersion:
        """A version as it is now."""
        if self.client:
            return version_of_entity(_asked(self.client.get_model_version, model, str(version)))
        fields = {"name": model, "version": str(version)}
        return version_of(self.rest.call("GET", API + "model-versions/get", fields)["model_version"])

    def versions(self, model: str) -> list[ModelVersion]:
        """All versions of a model, by number: the tenth comes after the ninth."""
        where = {"filter": f"name={_literal(model)}"}
        if self.client:
            found = [self.version(model, number) for number in self._searched_numbers(where["filter"])]
        else:
            found = [version_of(each) for each in self._pages("model-versions/search", where)]
        return sorted(found, key=lambda each: each.version)

    def all_versions(self) -> dict[str, list[ModelVersion]] | None:
        """The versions of all models in few calls, each by number; None where they are asked for model by model."""
        if self.client:
            return None
        found: dict[str, list[ModelVersion]] = {}
        for answer in self._pages("model-versions/search"):
            version = version_of(answer)
            found.setdefault(version.model, []).append(version)
        return {model: sorted(versions, key=lambda each: each.version) for model, versions in found.items()}

    def describe_version(self, model: str, version: int, description: str) -> None:
        """Replaces a version's description."""
        if self.client:
            _asked(self.client.update_model_version, model, str(version), description)
            return
        fields = {"name": model, "version": str(version), "description": description}
        self.rest.call("PATCH", API + "model-versions/update", fields)

    def download_uri(self, model: str, version: int) -> str:
        """Where the registry says that a version's files are."""
        if self.client:
            # Only MLflow's repository for such addresses has the credentials of Unity Catalog's storage.
            return f"models:/{model}/{version}"
        fields = {"name": model, "version": str(version)}
        return str(self.rest.call("GET", API + "model-versions/get-download-uri", fields)["artifact_uri"])

    @property
    def is_mlflow(self) -> bool:
        """Whether this is reached as an MLflow server, and not as Databricks."""
        return self.uri.startswith(("http://", "https://"))

    @property
    def registry_uri(self) -> str:
        """As MLflow's clients take it."""
        return self.uri.replace("databricks", "databricks-uc", 1) if self.client else self.uri

    def _pages(self, call: str, fields: Mapping[str, Any] | None = None) -> Iterator[dict[str, Any]]:
        key = call.partition("/")[0].replace("-", "_")
        token = None
        while True:
            answer = self.rest.call("GET", API + call, {**(fields or {}), "max_results": _PAGE, "page_token": token})
            yield from answer.get(key, [])
            token = answer.get("next_page_token")
            if not token:
                return

    def _searched_models(self) -> Iterator[RegisteredModel]:
        client, token = self.client, None
        while client:
            page = _asked(client.search_registered_models, page_token=token)
            yield from map(model_of_entity, page)
            token = page.token
            if not token:
                return

    def _searched_numbers(self, where: str) -> list[int]:
        client, token, numbers = self.client, None, []
        while client:
            page = _asked(client.search_model_versions, where, page_token=token)
            numbers += [int(each.version) for each in page]
            token = page.token
            if not token:
                break
        return numbers


def is_in_catalog(name: str) -> bool:
    """Whether a model's name is catalog, schema and model."""
    return name.count(".") == 2 and all(name.split("."))


def _kind(registry: str) -> Kind:
    if registry == "unity_catalog":
        return "unity_catalog"
    if registry == "workspace":
        return "workspace"
    raise StepError(f"registry {registry!r}: expected unity_catalog, or workspace for the registry with stages")


def _configured() -> str:
    if uri := os.environ.get("MLFLOW_TRACKING_URI"):
        return uri
    import mlflow

    return str(mlflow.get_tracking_uri())


def _databricks(uri: str) -> tuple[str, Callable[[], Mapping[str, str]]]:
    """The workspace's address, and headers that databricks-sdk keeps fresh."""
    from databricks.sdk.core import Config

    profile = urlsplit(uri).netloc or None
    config = Config(profile=profile)
    return str(config.host), config.authenticate


def _literal(text: str) -> str:
    # MLflow's filters know no escapes, but two kinds of quotes.
    return f'"{text}"' if "'" in text else f"'{text}'"


def _asked(call: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """A call of MLflow's client, with the errors that the REST API's calls have."""
    from mlflow.exceptions import MlflowException

    try:
        return call(*arguments, **options)
    except MlflowException as error:
        # MLflow files a code that it does not know under INTERNAL_ERROR; what was answered stays in `json`.
        code = str(getattr(error, "json", {}).get("error_code", error.error_code))
        status = int(error.get_http_status_code())
        kind = Missing if code in _ABSENT else Denied if code in _DENIED else Refused
        raise kind(str(error), status, code) from error
