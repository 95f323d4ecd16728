"""Pages of a list: by token, or by the older offset."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any, TypeVar

from infra.workspace.gateway.errors import BadRequest

T = TypeVar("T")


def page_of(
    items: Sequence[T], limit: int, offset: int, page_token: str | None, largest: int
) -> tuple[Sequence[T], dict[str, Any]]:
    """A page and what the answer says of its neighbours; raises BadRequest for a limit or token that cannot be."""
    size = limit or largest
    if not 0 < size <= largest:
        raise BadRequest(f"limit must be between 1 and {largest}, not {limit}.")
    first = offset if page_token is None else _position(page_token)
    page = items[first : first + size]
    paging: dict[str, Any] = {"has_more": first + size < len(items)}
    if paging["has_more"]:
        paging["next_page_token"] = _token(first + size)
    if first:
        paging["prev_page_token"] = _token(max(0, first - size))
    return page, paging


def _token(position: int) -> str:
    return base64.urlsafe_b64encode(f"from:{position}".encode()).decode()


def _position(token: str) -> int:
    try:
        word, _, number = base64.urlsafe_b64decode(token).decode().partition(":")
        if word == "from":
            return int(number)
    except ValueError:
        pass
    raise BadRequest(f"page_token {token!r} is not one of this list's.")
