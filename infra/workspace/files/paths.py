"""Paths as clients write them, made canonical; whatever could lead out of its root is refused."""

from __future__ import annotations

from infra.workspace.gateway.errors import BadRequest

_MAX_NAME_BYTES = 255


def segments(path: str) -> tuple[str, ...]:
    """The names along a path, `/` giving none.

    Raises BadRequest for `.` and `..`, control characters and names that no file system takes.
    """
    names = tuple(name for name in path.split("/") if name)
    for name in names:
        if name in (".", "..") or any(ord(character) < 32 or ord(character) == 127 for character in name):
            raise BadRequest(f"{path!r} is not a path: {name!r} cannot be one of its names")
        if len(name.encode(errors="surrogateescape")) > _MAX_NAME_BYTES:
            raise BadRequest(f"{path!r} is not a path: a name may have at most {_MAX_NAME_BYTES} bytes")
    return names


def workspace_path(path: str) -> str:
    """The canonical path of a workspace object: absolute, without the `/Workspace` prefix that means the same."""
    if not path.startswith("/"):
        raise BadRequest(f"Path ({path}) doesn't start with '/'")
    names = segments(path)
    if names[:1] == ("Workspace",):
        names = names[1:]
    return "/" + "/".join(names)


def parent_of(path: str) -> str:
    """The path of the directory that holds a canonical path; the root's is the root."""
    return path.rpartition("/")[0] or "/"


def ancestors(path: str) -> tuple[str, ...]:
    """The canonical paths above a path, nearest first, the root last; none above the root."""
    found = []
    while path != "/":
        path = parent_of(path)
        found.append(path)
    return tuple(found)
