"""Names of catalog objects: one, two or three parts, kept in lower case as Unity Catalog keeps them."""

from __future__ import annotations

import re

from infra.workspace.gateway.errors import BadRequest

_PART = re.compile(r"`((?:[^`]|``)*)`|([^.`]+)")
_FORBIDDEN = re.compile(r"[./\s\x00-\x1f\x7f\"'`\\;]")
_MAX_LENGTH = 255


def part(name: object, what: str) -> str:
    """One part of a name, checked; engines quote parts with hyphens in backticks, which are not part of it."""
    if not isinstance(name, str) or not name:
        raise BadRequest(f"{what} needs a name")
    if len(name) > 2 and name[0] == name[-1] == "`":
        name = name[1:-1].replace("``", "`")
    if _FORBIDDEN.search(name) or len(name) > _MAX_LENGTH:
        raise BadRequest(
            f"'{name}' is not a valid name for {what}: at most {_MAX_LENGTH} characters, "
            "no period, space, slash, quote, semicolon or control character"
        )
    return name.lower()


def split(full_name: str, parts: int, what: str) -> tuple[str, ...]:
    """The parts of a full name such as catalog.schema.table; raises BadRequest unless there are `parts` of them."""
    found: list[str] = []
    position = 0
    while position < len(full_name):
        match = _PART.match(full_name, position)
        if match is None:
            break
        quoted, plain = match.groups()
        found.append(part(quoted.replace("``", "`") if quoted is not None else plain, what))
        position = match.end()
        if position < len(full_name):
            if full_name[position] != "." or position + 1 == len(full_name):
                break
            position += 1
    if position != len(full_name) or len(found) != parts:
        raise BadRequest(
            f"'{full_name}' is not a valid name for {what}: {parts} part(s) separated by periods are needed"
        )
    return tuple(found)
