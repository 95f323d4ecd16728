"""Whom a grant or an access list names."""

from __future__ import annotations

import re

EVERYBODY = frozenset({"account users", "users", "*"})
"""Groups that every user of the account or the workspace is in, and what stands for all."""

_REFERENCE = re.compile(r"^\$\{(data\.)?databricks_service_principal\.[\w-]+\.application_id\}$")
_APPLICATION_ID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", re.IGNORECASE)


def is_found_service_principal(name: object) -> bool:
    """Whether it is a service principal that the stack makes, or finds by its name."""
    return isinstance(name, str) and _REFERENCE.match(name) is not None


def is_service_principal(name: object) -> bool:
    """Whether it is a service principal at all: a reference to one, or an application id. Others are people."""
    return is_found_service_principal(name) or (isinstance(name, str) and _APPLICATION_ID.match(name) is not None)
