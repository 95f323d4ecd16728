"""Which model versions saw a member: by the day and the split that each was trained with, as its tags tell."""

import datetime
import re
from typing import TYPE_CHECKING, Any

from ml_code.platform import tables
from ml_code.platform.registry.versions import Versions
from ml_code.platform.splits import HashSplit
from ml_code.projects.hrob.configuration import Project
from ml_code.projects.hrob.schema import DAY, KEY, OUTCOME_DAY

if TYPE_CHECKING:
    from ml_code.context import Context


def versions_that_saw(context: "Context", project: Project, member: str) -> tuple[str, ...]:
    """A sentence for each version whose rows had the member: it learned from it, or was measured on it.

    A version's rows are those of the window before its day whose outcome was known by then. Empty when the births table
    does not have the member (any more), or without an outcome.
    """
    born = _born(context, member)
    if born is None:
        return ()
    window = datetime.timedelta(days=project.parameters.split.window_days)
    found = []
    for name, number, tags in _versions(context):
        day = datetime.date.fromisoformat(tags["date"])
        if born[OUTCOME_DAY] <= day and day - window < born[DAY] <= day:
            found.append(
                f"{name} v{number}, trained on rows up to {day}, {_use(tags.get('split', ''), member)} {member}"
            )
    return tuple(found)


def _born(context: "Context", member: str) -> Any:
    name = context.table("births")
    if not tables.exists(context.spark, name):
        return None
    births = context.spark.table(name).where(f"{KEY} = {tables.literal(member)} and bwght is not null")
    rows = births.select(DAY, OUTCOME_DAY).collect()
    return rows[0] if rows else None


def _versions(context: "Context") -> list[tuple[str, int, dict[str, str]]]:
    """Name, number and tags of every version of the schema's models that tells its day."""
    from mlflow import MlflowClient

    client = MlflowClient()
    found = []
    for model in context.workspace.registered_models.list(catalog_name=context.catalog, schema_name=context.schema):
        name = str(model.full_name)
        numbers = sorted(int(version.version) for version in client.search_model_versions(f"name='{name}'"))
        # Unity Catalog's search tells no tags.
        tagged = [(name, number, dict(Versions(name).get(number).tags)) for number in numbers]
        found += [version for version in tagged if "date" in version[2]]
    return found


def _use(split: str, member: str) -> str:
    parts = re.fullmatch(r"hash (\S+) (\d+)/(\d+)/\d+", split)
    if parts is None:
        return "may have learned from"
    side = HashSplit(parts[1], int(parts[2]), int(parts[3])).side(member)
    return "was measured on" if side == "test" else "learned from"
