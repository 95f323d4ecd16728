"""Changes that reach into another environment."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from infra.policies.rule import PlannedChange, Situation, Violation, rule
from infra.settings import Settings

_CATALOGS = frozenset({"catalog_name", "catalog"})
_FULL_NAMES = frozenset({"schema", "model", "volume", "table", "function"})
"""Of databricks_grants: what it grants on."""
_TAG = re.compile(r"tags\b.*\b(environment|value)$|^properties\.environment$")
_NAMES = re.compile(r"^[\w-]+(\.[\w-]+){1,2}$")


@rule(
    "BRL_PLAN_4",
    "A change stays inside its environment",
    advice="Take names from the environment's own settings; what belongs to another environment is changed by its own "
    "stacks.",
    setting="catalog",
    exceptable=True,
)
def inside_the_environment(situation: Situation) -> Iterator[Violation]:
    """Every name, path and principal of a changed object is the stack's own environment's, or nobody's."""
    for stack in situation.stacks:
        own = situation.settings[stack.environment]
        others = [each for name, each in situation.settings.items() if name != stack.environment]
        for change in stack.changes:
            for path, value in _values(change):
                if problem := _problem(own, others, change.type, path, value):
                    yield Violation(problem, stack.stack, change.address)


def _values(change: PlannedChange) -> Iterator[tuple[str, str]]:
    """Every text that the object would have; of one that goes, what it had."""
    if change.import_id:
        yield "import id", change.import_id
    for field in change.fields:
        yield from _texts(field.path, field.before if change.action == "destroy" else field.after)


def _texts(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(f"{path}.{key}", inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _texts(f"{path}[{index}]", inner)


def _problem(own: Settings, others: Iterable[Settings], kind: str, path: str, value: str) -> str | None:
    if _is_catalog(kind, path, value):
        catalog = value.partition(".")[0]
        if catalog != own.catalog and re.fullmatch(r"[\w-]+", catalog):
            return f"{path} is in catalog '{catalog}', {own.environment}'s is '{own.catalog}'"
    for other in others:
        if reason := _foreign(own, other, path, value):
            return f"{path} is '{value}': {reason} of {other.environment}"
    return None


def _is_catalog(kind: str, path: str, value: str) -> bool:
    """Whether a value names a catalog, or begins with one's name."""
    if path in _CATALOGS or (kind, path) == ("databricks_catalog", "name"):
        return True
    return kind in ("databricks_grants", "databricks_grant") and path in _FULL_NAMES and bool(_NAMES.match(value))


def _foreign(own: Settings, other: Settings, path: str, value: str) -> str | None:
    """What of the other environment a value is, or None."""
    if value == other.values.service_principal:
        return "the service principal"
    if other.catalog != own.catalog:
        if _NAMES.match(value) and value.startswith(f"{other.catalog}."):
            return "an object in the catalog"
        if f"{value}/".startswith((f"/Volumes/{other.catalog}/", f"dbfs:/Volumes/{other.catalog}/")):
            return "a volume"
    if f"{value.removeprefix('/Workspace')}/".startswith(f"{other.folder}/"):
        return "the folder"
    if path.endswith(".default") and value in (other.environment, other.catalog):
        return "a job parameter"
    if value == other.environment and _TAG.search(path):
        return "the tag"
    # A copy's branch may be called after another environment's objects, and so may all that bears its name.
    named = value.replace(own.prefix, "") if own.prefix else value
    if f"-{other.base_name}-" in f"-{named}-" and " " not in value and value != own.branch:
        return "an object"
    return None
