"""Which versions an export takes: of each model the latest in production, unless its description says it was."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from typing import Literal

from ml_code.platform.errors import StepError
from ml_code.platform.marketplace.hub import marks
from ml_code.platform.marketplace.registry.http import Missing
from ml_code.platform.marketplace.registry.reading import Registry
from ml_code.platform.marketplace.registry.records import ModelVersion, RegisteredModel

Versions = Literal["production", "all"]

CHAMPION = "champion"
PRODUCTION = "Production"
EXPORTED = "Exported Already On"

_LONGEST = 5000
"""Characters that MLflow's database keeps of a description."""


@dataclass(frozen=True)
class Choice:
    """A version to export, or the reason why none (or not this one) is."""

    model: RegisteredModel
    version: ModelVersion | None
    skipped: str | None = None


def patterns_of(text: str) -> tuple[str, ...]:
    """Names of models separated by commas, each possibly with * and ?."""
    return tuple(part.strip() for part in text.split(",") if part.strip()) or ("*",)


def versions_of(text: str) -> Versions:
    """Which versions an export takes. Raises StepError for another word."""
    if text == "production":
        return "production"
    if text == "all":
        return "all"
    raise StepError(f"versions {text!r}: expected production (the latest of each model), or all")


def choose(
    registry: Registry,
    patterns: Sequence[str],
    which: Versions,
    each: Callable[
        [Callable[[RegisteredModel], list[Choice]], Iterable[RegisteredModel]], Iterator[list[Choice]]
    ] = map,
) -> list[Choice]:
    """What to do with every model whose name fits a pattern, by name and version.

    `which` is the latest production version of each, or all versions that they have. `each` maps a function over
    models, for callers that have threads.
    """
    models = (model for model in registry.models() if _fits(model.name, patterns))
    # One listing of everything costs less than a call a model, if everything is wanted.
    listed = registry.all_versions() if which == "all" and "*" in patterns else None
    found = each(lambda model: _choices(registry, model, which, listed), models)
    return sorted((choice for choices in found for choice in choices), key=_order)


def marked(description: str, day: date) -> str:
    """The description of a version that was exported."""
    return f"{EXPORTED} {day.isoformat()}, previous description: {description}"[:_LONGEST]


def is_marked(description: str) -> bool:
    """Whether a description says that its version was exported."""
    return EXPORTED in description


def _choices(
    registry: Registry, model: RegisteredModel, which: Versions, listed: Mapping[str, list[ModelVersion]] | None
) -> list[Choice]:
    if registry.client:
        model = registry.model(model.name)
    if which == "all":
        versions = registry.versions(model.name) if listed is None else listed.get(model.name, [])
        return [_choice(model, version) for version in versions]
    production = _in_production(registry, model)
    if production is None:
        wanted = f"alias {CHAMPION}" if registry.kind == "unity_catalog" else f"alias {CHAMPION} and stage {PRODUCTION}"
        return [Choice(model, None, f"no version in production: no {wanted}")]
    return [_choice(model, production)]


def _choice(model: RegisteredModel, version: ModelVersion) -> Choice:
    if is_marked(version.description):
        return Choice(model, version, version.description.partition(", previous description:")[0][:80])
    if version.status != "READY":
        return Choice(model, version, f"not ready: {version.status}")
    if marks.ORIGIN in version.tags:  # or the hub would gather it a second time, as the consumer's own
        return Choice(model, version, f"brought from the marketplace: {version.tags.get(marks.WORKSPACE, '')}'s")
    return Choice(model, version)


def _in_production(registry: Registry, model: RegisteredModel) -> ModelVersion | None:
    """The champion; without one the latest in stage Production, which Unity Catalog does not have."""
    listed = {version.version: version for version in model.latest}
    champion = model.aliases.get(CHAMPION)
    if champion is not None:
        try:
            return listed.get(champion) or registry.version(model.name, champion)
        except Missing:
            return None
    if registry.kind == "unity_catalog":
        return None
    staged = [version for version in model.latest if version.stage == PRODUCTION]
    return max(staged, key=lambda version: version.version, default=None)


def _fits(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _order(choice: Choice) -> tuple[str, int]:
    return choice.model.name, choice.version.version if choice.version else 0
