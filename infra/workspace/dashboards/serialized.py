"""The text of a dashboard as clients send it, and as Databricks keeps it."""

from __future__ import annotations

import json
from typing import Any

from infra.workspace.gateway.errors import BadRequest

EMPTY = "{}\n"


def kept(text: str, catalog: str | None = None, schema: str | None = None) -> str:
    """What is kept of a serialized dashboard: pages say their type, datasets may be given a default catalog and schema.

    As on Databricks a text that needs neither stays as it was sent, and every text ends with one line break. Raises
    BadRequest for what is no JSON object, or whose datasets and pages are no lists of objects.
    """
    parsed = _parsed(text)
    pages, datasets = _objects(parsed, "pages"), _objects(parsed, "datasets")
    changed = False
    for page in pages:
        if "pageType" not in page:
            page["pageType"] = "PAGE_TYPE_CANVAS"
            changed = True
    for dataset in datasets:
        given = {key: value for key, value in (("catalog", catalog), ("schema", schema)) if value}
        changed = changed or bool(given)
        dataset.update(given)
    if not parsed:
        return EMPTY
    return (json.dumps(parsed, ensure_ascii=False) if changed else text.rstrip("\n")) + "\n"


def _parsed(text: str) -> dict[str, Any]:
    try:
        parsed = json.loads(text)
    except ValueError as error:
        raise BadRequest(f"serialized_dashboard is not JSON: {error}") from error
    if not isinstance(parsed, dict):
        raise BadRequest(f"serialized_dashboard is a JSON object, not {type(parsed).__name__}")
    return parsed


def _objects(parsed: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = parsed.get(name, [])
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise BadRequest(f"serialized_dashboard: {name} is a list of objects")
    return found
