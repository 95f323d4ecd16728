"""Who calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Principal:
    """A user or service principal that has proved who it is.

    `name` is the user name or, for a service principal, its application id: the name that grants and ACLs use.
    `groups` holds the display names of all groups it belongs to, nested ones included.
    """

    id: int
    name: str
    display_name: str
    kind: Literal["user", "service_principal"]
    groups: frozenset[str] = frozenset()
    admin: bool = False

    @property
    def names(self) -> frozenset[str]:
        """Every name under which a privilege may have been given to this principal."""
        return self.groups | {self.name, "account users", "users"}
