"""What each level of access and the environment's own service principal may do, object by object."""

from collections.abc import Iterable, Mapping

from infra.constructs.permissions import Entry, Level
from infra.settings.environment import Access
from infra.settings.settings import Settings

_ORDER = list(Access)

_LEVELS: dict[str, dict[Access, Level]] = {
    "job": {
        Access.VIEW: Level.CAN_VIEW,
        Access.RUN: Level.CAN_MANAGE_RUN,
        Access.DEVELOP: Level.CAN_MANAGE_RUN,
        Access.MANAGE: Level.CAN_MANAGE,
    },
    "experiment": {
        Access.VIEW: Level.CAN_READ,
        Access.RUN: Level.CAN_READ,
        Access.DEVELOP: Level.CAN_EDIT,
        Access.MANAGE: Level.CAN_MANAGE,
    },
    "folder": {
        Access.VIEW: Level.CAN_READ,
        Access.RUN: Level.CAN_READ,
        Access.DEVELOP: Level.CAN_EDIT,
        Access.MANAGE: Level.CAN_MANAGE,
    },
    "warehouse": {
        Access.RUN: Level.CAN_USE,
        Access.DEVELOP: Level.CAN_USE,
        Access.MANAGE: Level.CAN_MANAGE,
    },
    "policy": {Access.DEVELOP: Level.CAN_USE, Access.MANAGE: Level.CAN_USE},
}

_PRIVILEGES: dict[str, dict[Access, tuple[str, ...]]] = {
    "catalog": {Access.RUN: ("USE_CATALOG",), Access.DEVELOP: ("CREATE_SCHEMA",)},
    "schema": {
        Access.RUN: ("USE_SCHEMA", "SELECT"),
        Access.MANAGE: ("MODIFY", "CREATE_TABLE", "CREATE_MODEL", "CREATE_VOLUME"),
    },
    "volume": {Access.RUN: ("READ_VOLUME",), Access.MANAGE: ("WRITE_VOLUME",)},
    "model": {Access.RUN: ("EXECUTE",)},
}


People = Mapping[str, Access]
"""The level of each group, by its name."""


def people(settings: Settings, *, engineers: str | None = None, scientists: str | None = None) -> People:
    """The groups' levels; a name given here (a reference to a group of the same stack) makes Terraform wait for it."""
    names, profile = settings.project.groups, settings.values.permissions
    return {engineers or names.engineers: profile.engineers, scientists or names.scientists: profile.scientists}


def entries(who: People, kind: str, *own: Entry) -> list[Entry]:
    """The access list of an object of a kind of _LEVELS: the groups' levels and `own` entries."""
    levels = _LEVELS[kind]
    return [*own, *(Entry(levels[access], group=group) for group, access in who.items() if access in levels)]


def privileges(who: People, kind: str, principal: str, own: Iterable[str]) -> dict[str, list[str]]:
    """The grants on a `catalog`, `schema`, `volume` or `model`: the groups' levels, and the service principal's own."""
    given = {principal: list(own)}
    for group, access in who.items():
        upto = _ORDER[: _ORDER.index(access) + 1]
        given[group] = [p for level in upto for p in _PRIVILEGES[kind].get(level, ())]
    return given


CATALOG_OWN = ("USE_CATALOG",)
"""What an environment's service principal needs of its catalog."""

CATALOG_OWN_FOR_COPIES = ("CREATE_SCHEMA",)
"""What it needs beside, where it deploys copies."""

SCHEMA_OWN = ("USE_SCHEMA", "CREATE_TABLE", "CREATE_MODEL", "SELECT", "MODIFY")
"""Of its schema: the jobs make and write tables there, and the project stack makes the registered model."""

SCHEMA_OWN_OF_COPIES = (*SCHEMA_OWN, "MANAGE")
"""Of a copy's schema, which a developer may have made: refreshing a quality monitor is for who manages its table."""

VOLUME_OWN = ("READ_VOLUME", "WRITE_VOLUME")
"""Of its volume: files are landed and read."""

MODEL_OWN = ("ALL_PRIVILEGES", "MANAGE")
"""Of the model of a copy that a developer deployed: versions and aliases are the jobs' work. Elsewhere it is owner."""
