"""The hub's registered models as the registry has them now: aliases move and models go after they were imported."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ml_code.platform.marketplace.catalogue.records import Version
from ml_code.platform.marketplace.registry.http import Missing
from ml_code.platform.marketplace.registry.reading import Registry
from ml_code.platform.marketplace.registry.records import ModelVersion, RegisteredModel

_AT_ONCE = 8


@dataclass(frozen=True)
class Model:
    """A registered model with its versions, newest first."""

    name: str
    description: str
    versions: tuple[Version, ...]


def read_registered(registry: Registry, names: Sequence[str]) -> list[Model]:
    """Those of the models that are there and have versions, in the names' order."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = pool.map(lambda name: _model(registry, name), names)
        return [model for model in found if model and model.versions]


def _model(registry: Registry, name: str) -> Model | None:
    try:
        found = registry.model(name)
        versions = registry.versions(name)
    except Missing:
        return None
    return Model(name, found.description, tuple(_version(found, each) for each in reversed(versions)))


def _version(model: RegisteredModel, found: ModelVersion) -> Version:
    return Version(
        number=found.version,
        created=datetime.datetime.fromtimestamp(found.created / 1000, datetime.UTC) if found.created else None,
        aliases=model.aliases_of(found.version),
        stage=found.stage or "",
        description=found.description,
        tags=found.tags,
    )
