"""Pages of a list, as Unity Catalog's list calls give them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from infra.workspace.gateway.errors import BadRequest


def page(key: str, items: Sequence[Any], max_results: int | None, page_token: str | None) -> dict[str, Any]:
    """`{key: items}` with `next_page_token` where more follow; no or zero `max_results` gives everything."""
    if max_results is not None and max_results < 0:
        raise BadRequest("max_results must not be negative")
    if page_token and not page_token.isdigit():
        raise BadRequest(f"'{page_token}' is not a page token of this list")
    start = int(page_token) if page_token else 0
    stop = start + max_results if max_results else len(items)
    answer: dict[str, Any] = {key: list(items[start:stop])}
    if stop < len(items):
        answer["next_page_token"] = str(stop)
    return answer
