"""Registered models and their versions as a registry tells them, by whichever way it was asked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_LOGGED_MODEL = re.compile(r"models:/+(m-[0-9a-zA-Z]+)/?")


@dataclass(frozen=True)
class ModelVersion:
    """A version; `source` is where its files are said to be, `created` milliseconds since the epoch."""

    model: str
    version: int
    description: str
    tags: Mapping[str, str]
    stage: str | None
    created: int
    run_id: str | None
    model_id: str | None
    source: str
    status: str


@dataclass(frozen=True)
class RegisteredModel:
    """A model with its aliases; `latest` are the latest versions of its stages, where the listing tells them."""

    name: str
    description: str
    tags: Mapping[str, str]
    aliases: Mapping[str, int]
    latest: tuple[ModelVersion, ...] = ()

    def aliases_of(self, version: int) -> tuple[str, ...]:
        """Aliases that point to the version, sorted."""
        return tuple(sorted(alias for alias, number in self.aliases.items() if number == version))


def model_of(answer: Mapping[str, Any]) -> RegisteredModel:
    """Of the REST API's JSON."""
    return RegisteredModel(
        name=str(answer["name"]),
        description=str(answer.get("description") or ""),
        tags=pairs(answer.get("tags", [])),
        aliases={str(each["alias"]): int(each["version"]) for each in answer.get("aliases", [])},
        latest=tuple(version_of(each) for each in answer.get("latest_versions", [])),
    )


def version_of(answer: Mapping[str, Any]) -> ModelVersion:
    """Of the REST API's JSON."""
    source = str(answer.get("source") or "")
    return ModelVersion(
        model=str(answer["name"]),
        version=int(answer["version"]),
        description=str(answer.get("description") or ""),
        tags=pairs(answer.get("tags", [])),
        stage=_stage(answer.get("current_stage")),
        created=int(answer.get("creation_timestamp") or 0),
        run_id=str(answer.get("run_id") or "") or None,
        model_id=str(answer.get("model_id") or "") or _logged_model(source),
        source=source,
        status=str(answer.get("status") or "READY"),
    )


def model_of_entity(entity: Any) -> RegisteredModel:
    """Of the entity that MLflow's client gives."""
    return RegisteredModel(
        name=str(entity.name),
        description=str(entity.description or ""),
        tags=dict(entity.tags or {}),
        aliases={str(alias): int(version) for alias, version in (entity.aliases or {}).items()},
        latest=tuple(version_of_entity(each) for each in entity.latest_versions or ()),
    )


def version_of_entity(entity: Any) -> ModelVersion:
    """Of the entity that MLflow's client gives."""
    source = str(entity.source or "")
    return ModelVersion(
        model=str(entity.name),
        version=int(entity.version),
        description=str(entity.description or ""),
        tags=dict(entity.tags or {}),
        stage=_stage(entity.current_stage),
        created=int(entity.creation_timestamp or 0),
        run_id=entity.run_id or None,
        model_id=getattr(entity, "model_id", None) or _logged_model(source),
        source=source,
        status=str(entity.status or "READY"),
    )


def pairs(found: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """A list of keys and values as a mapping; MLflow leaves empty values out."""
    return {str(each["key"]): str(each.get("value", "")) for each in found}


def _stage(stage: str | None) -> str | None:
    return stage if stage not in (None, "", "None") else None


def _logged_model(source: str) -> str | None:
    found = _LOGGED_MODEL.fullmatch(source)
    return found[1] if found else None
