"""Privileges without state: which apply where, and what owners and grants along a lineage give a principal.

Rules follow Databricks' "Unity Catalog privileges and securable objects" (privilege model 1.0): a privilege given on a
catalog or schema holds for everything inside that it applies to; nothing is inherited from the metastore; an owner has
every privilege on the object itself, and may manage what is inside it; ALL PRIVILEGES leaves out MANAGE and the
external use privileges.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from infra.workspace.catalog.kinds import Kind
from infra.workspace.gateway.errors import BadRequest

ALL = "ALL_PRIVILEGES"
MANAGE = "MANAGE"
_EXTERNAL_USE = frozenset({"EXTERNAL_USE_SCHEMA", "EXTERNAL_USE_LOCATION"})

_COMMON = frozenset({ALL, MANAGE})
_TABLE = _COMMON | {"SELECT", "MODIFY", "APPLY_TAG", "REFRESH"}
_VOLUME = _COMMON | {"READ_VOLUME", "WRITE_VOLUME", "APPLY_TAG"}
_FUNCTION = _COMMON | {"EXECUTE", "APPLY_TAG", "CREATE_MODEL_VERSION"}
_SCHEMA = (
    _TABLE
    | _VOLUME
    | _FUNCTION
    | {
        "USE_SCHEMA",
        "CREATE_FUNCTION",
        "CREATE_MATERIALIZED_VIEW",
        "CREATE_MODEL",
        "CREATE_TABLE",
        "CREATE_VOLUME",
        "EXTERNAL_USE_SCHEMA",
    }
)
APPLICABLE: Mapping[str, frozenset[str]] = {
    "metastore": frozenset(
        {
            "CREATE_CATALOG",
            "CREATE_CONNECTION",
            "CREATE_EXTERNAL_LOCATION",
            "CREATE_PROVIDER",
            "CREATE_RECIPIENT",
            "CREATE_SERVICE_CREDENTIAL",
            "CREATE_SHARE",
            "CREATE_STORAGE_CREDENTIAL",
            "MANAGE_ALLOWLIST",
            "SET_SHARE_PERMISSION",
            "USE_MARKETPLACE_ASSETS",
            "USE_PROVIDER",
            "USE_RECIPIENT",
            "USE_SHARE",
        }
    ),
    "catalog": _SCHEMA | {"USE_CATALOG", "CREATE_SCHEMA", "BROWSE"},
    "schema": _SCHEMA,
    "table": _TABLE,
    "volume": _VOLUME,
    "function": _FUNCTION,
    "external_location": _COMMON
    | {
        "BROWSE",
        "CREATE_EXTERNAL_TABLE",
        "CREATE_EXTERNAL_VOLUME",
        "CREATE_FOREIGN_SECURABLE",
        "CREATE_MANAGED_STORAGE",
        "EXTERNAL_USE_LOCATION",
        "READ_FILES",
        "WRITE_FILES",
    },
    "storage_credential": _COMMON | {"CREATE_EXTERNAL_LOCATION", "CREATE_EXTERNAL_TABLE", "READ_FILES", "WRITE_FILES"},
}


@dataclass(frozen=True)
class Level:
    """One object of a lineage: its kind, owner and the privileges given on it by name of principal."""

    kind: str
    owner: str
    grants: Mapping[str, Collection[str]]


def normalise(privilege: str, kind: Kind, full_name: str) -> str:
    """`use schema` as `USE_SCHEMA`; raises BadRequest if the privilege does not apply to the kind of object."""
    name = privilege.strip().upper().replace(" ", "_")
    if name not in APPLICABLE[kind.name]:
        raise BadRequest(f"Privilege {name} is not applicable to this entity [{full_name}:{kind.name.upper()}].")
    return name


def effective(levels: Sequence[Level], names: Collection[str], admin: bool = False) -> frozenset[str]:
    """The privileges that a principal known by `names` has on the first of `levels`, whose holders follow it."""
    target = levels[0]
    everything = _held_by_all(target.kind) | ({MANAGE} if target.kind != "metastore" else frozenset())
    if admin or target.owner in names:
        return everything
    found: set[str] = set()
    for level in levels:
        if level.kind == "metastore" and target.kind != "metastore":
            continue
        if level.owner in names:
            found.add(MANAGE)
        for name, privileges in level.grants.items():
            if name in names:
                found |= expand(privileges, level.kind)
    return frozenset(found & everything)


def expand(privileges: Collection[str], kind: str) -> frozenset[str]:
    """The privileges with ALL PRIVILEGES spelled out for the kind of object that it was given on."""
    if ALL not in privileges:
        return frozenset(privileges)
    return (frozenset(privileges) - {ALL}) | (_held_by_all(kind) - _EXTERNAL_USE)


def _held_by_all(kind: str) -> frozenset[str]:
    """Everything but MANAGE; BROWSE is given on catalogs only, yet shows what is inside too."""
    extra = {"BROWSE"} if kind in ("schema", "table", "volume", "function") else set()
    return (APPLICABLE[kind] - {ALL, MANAGE}) | extra
