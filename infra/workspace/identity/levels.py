"""Permission levels of each type of object, as Databricks documents them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

OWNER = "IS_OWNER"
MANAGE = "CAN_MANAGE"

_WORDS = {
    "CAN_USE": "Can use",
    "CAN_READ": "Can read",
    "CAN_VIEW": "Can view",
    "CAN_QUERY": "Can query",
    "CAN_RUN": "Can run",
    "CAN_EDIT": "Can edit",
    "CAN_ATTACH_TO": "Can attach to",
    "CAN_RESTART": "Can attach to, start, restart and terminate",
    "CAN_MONITOR": "Can use and see queries of others",
    "CAN_MANAGE_RUN": "Can view, run, and cancel runs of",
    "CAN_MANAGE_STAGING_VERSIONS": "Can edit and move versions through Staging of",
    "CAN_MANAGE_PRODUCTION_VERSIONS": "Can edit and move versions through all stages of",
    "CAN_MANAGE": "Can manage permissions of",
    "IS_OWNER": "Is the owner of",
}


@dataclass(frozen=True)
class ObjectType:
    """One kind of object.

    `path` is its name in addresses (`jobs`), `name` the `object_type` of answers (`job`); `levels` run from the least
    to the most. `admins` tells how the admins' level shows: inherited from all objects of the type, as a direct
    entry that is always there, or as an entry like others.
    """

    path: str
    name: str
    levels: tuple[str, ...]
    admins: Literal["inherited", "direct", "listed"] = "inherited"

    @property
    def owned(self) -> bool:
        """Whether each object has exactly one owner."""
        return OWNER in self.levels

    @property
    def admin_level(self) -> str:
        return MANAGE if MANAGE in self.levels else self.levels[-1]

    @cached_property
    def ranks(self) -> dict[str, int]:
        return {level: rank for rank, level in enumerate(self.levels)}

    def covers(self, held: str | None, wanted: str) -> bool:
        return held is not None and self.ranks[held] >= self.ranks[wanted]

    def closest(self, level: str, other: ObjectType) -> str | None:
        """What a level on an object of type `other` above means here: itself, or the most below it that exists."""
        rank = other.ranks[level]
        shared = [name for name in other.levels[: rank + 1] if name in self.ranks]
        return shared[-1] if shared else None

    def describe(self, level: str) -> str:
        return f"{_WORDS[level]} the {self.name}"


_TREE = ("CAN_READ", "CAN_RUN", "CAN_EDIT", MANAGE)
_QUERIES = ("CAN_VIEW", "CAN_READ", "CAN_RUN", "CAN_EDIT", MANAGE)
_MODELS = ("CAN_READ", "CAN_EDIT", "CAN_MANAGE_STAGING_VERSIONS", "CAN_MANAGE_PRODUCTION_VERSIONS", MANAGE)

TYPES = {
    object_type.path: object_type
    for object_type in (
        ObjectType("alertsv2", "alertv2", _TREE),
        ObjectType("apps", "apps", ("CAN_USE", MANAGE)),
        ObjectType("cluster-policies", "cluster-policy", ("CAN_USE",)),
        ObjectType("clusters", "cluster", ("CAN_ATTACH_TO", "CAN_RESTART", MANAGE)),
        ObjectType("dashboards", "dashboard", _TREE),
        ObjectType("database-instances", "database-instances", ("CAN_USE", MANAGE)),
        ObjectType("dbsql-dashboards", "dbsql-dashboard", _QUERIES),
        ObjectType("directories", "directory", _TREE),
        ObjectType("experiments", "mlflowExperiment", ("CAN_READ", "CAN_EDIT", MANAGE)),
        ObjectType("files", "file", _TREE),
        ObjectType("instance-pools", "instance-pool", ("CAN_ATTACH_TO", MANAGE)),
        ObjectType("jobs", "job", ("CAN_VIEW", "CAN_MANAGE_RUN", MANAGE, OWNER)),
        ObjectType("notebooks", "notebook", _TREE),
        ObjectType("pipelines", "pipelines", ("CAN_VIEW", "CAN_RUN", MANAGE, OWNER)),
        ObjectType("registered-models", "registered-model", _MODELS),
        ObjectType("repos", "repo", _TREE),
        ObjectType("serving-endpoints", "serving-endpoint", ("CAN_VIEW", "CAN_QUERY", MANAGE)),
        ObjectType("sql/alerts", "alert", _QUERIES),
        ObjectType("sql/queries", "query", _QUERIES),
        ObjectType("sql/warehouses", "warehouses", ("CAN_VIEW", "CAN_USE", "CAN_MONITOR", MANAGE, OWNER)),
        ObjectType("vector-search-endpoints", "vector-search-endpoints", ("CAN_USE", MANAGE)),
    )
}
AUTHORIZATION = {
    "tokens": ObjectType("authorization", "tokens", ("CAN_USE", MANAGE), admins="direct"),
    "passwords": ObjectType("authorization", "passwords", ("CAN_USE",), admins="listed"),
}


def object_type_of(path: str, object_id: str) -> ObjectType | None:
    """The type behind an address; `authorization` holds two objects, each of its own type."""
    if path == "authorization":
        return AUTHORIZATION.get(object_id)
    return TYPES.get("sql/warehouses" if path == "warehouses" else path)
