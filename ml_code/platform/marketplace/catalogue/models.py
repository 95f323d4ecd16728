"""The hub's registered models as the registry has them now: aliases move and models go after they were imported."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ml_code.platform.marketplace.catalogue.records import Version
from ml_code.platform.registry.versions import is_absent

if TYPE_CHECKING:
    from mlflow import MlflowClient

_AT_ONCE = 8


@dataclass(frozen=True)
class Model:
    """A registered model with its versions, newest first."""

    name: str
    description: str
    versions: tuple[Version, ...]


def registry_client(registry: str) -> MlflowClient:
    """MLflow's client of a registry, unity_catalog or workspace; a server of its own has one registry for both."""
    import mlflow
    from mlflow import MlflowClient

    if not mlflow.get_tracking_uri().startswith("databricks"):
        return MlflowClient()
    return MlflowClient(registry_uri="databricks-uc" if registry == "unity_catalog" else "databricks")


def read_registered(client: MlflowClient, names: Sequence[str]) -> list[Model]:
    """Those of the models that are there and have versions, in the names' order."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = pool.map(lambda name: _model(client, name), names)
        return [model for model in found if model and model.versions]


def _model(client: MlflowClient, name: str) -> Model | None:
    from mlflow.exceptions import MlflowException

    try:
        found = client.get_registered_model(name)
        numbers = sorted(_numbers(client, name), reverse=True)
        # One by one, because Unity Catalog's search leaves tags and aliases out.
        versions = tuple(_version(client.get_model_version(name, str(number))) for number in numbers)
    except MlflowException as error:
        if is_absent(error):
            return None
        raise
    return Model(name, found.description or "", versions)


def _numbers(client: MlflowClient, name: str) -> list[int]:
    quote = '"' if "'" in name else "'"
    numbers: list[int] = []
    token = None
    while True:
        page = client.search_model_versions(f"name = {quote}{name}{quote}", page_token=token)
        numbers += [int(record.version) for record in page]
        token = page.token
        if not token:
            return numbers


def _version(record: Any) -> Version:
    created = record.creation_timestamp
    return Version(
        number=int(record.version),
        created=datetime.datetime.fromtimestamp(created / 1000, datetime.UTC) if created else None,
        aliases=tuple(sorted(record.aliases or ())),
        stage=getattr(record, "current_stage", None) or "",
        description=record.description or "",
        tags=dict(record.tags or {}),
    )
