"""Serialized dashboards for tests."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

Json = dict[str, Any]


def field(name: str, scale: str, **more: Any) -> Json:
    """An encoding."""
    return {"fieldName": name, "scale": {"type": scale}, "displayName": name, **more}


def widget(
    kind: str,
    fields: Mapping[str, str],
    encodings: Mapping[str, Any],
    *,
    name: str = "w",
    dataset: str = "data",
    disaggregated: bool = False,
    place: tuple[int, int, int, int] = (0, 0, 2, 3),
    **spec: Any,
) -> Json:
    """A widget in its place (x, y, width, height); `fields` are expressions by name."""
    query = {
        "datasetName": dataset,
        "fields": [{"name": field, "expression": expression} for field, expression in fields.items()],
        "disaggregated": disaggregated,
    }
    drawn = {"version": 3, "widgetType": kind, "encodings": dict(encodings)}
    frame = {"showTitle": True, "title": f"Title of {name}"}
    return {
        "widget": {
            "name": name,
            "queries": [{"name": "main_query", "query": query}],
            "spec": {**drawn, "frame": frame, **spec},
        },
        "position": dict(zip(("x", "y", "width", "height"), place, strict=True)),
    }


def text(markdown: str) -> Json:
    return {
        "widget": {"name": "text", "multilineTextboxSpec": {"lines": [markdown]}},
        "position": {"x": 0, "y": 0, "width": 6, "height": 1},
    }


def document(
    layout: Sequence[Json],
    sql: str = "SELECT 1 AS n",
    *,
    more: Mapping[str, str] | None = None,
    parameters: Sequence[Json] = (),
    filters: Sequence[Json] = (),
) -> str:
    """A dashboard of one page over the dataset `data`; `more` are further datasets, `filters` those for all pages."""
    datasets = [{"name": "data", "displayName": "Data", "queryLines": [sql], "parameters": list(parameters)}]
    datasets += [{"name": name, "displayName": name, "query": query} for name, query in (more or {}).items()]
    pages: list[Json] = [{"name": "first", "displayName": "First", "layout": list(layout)}]
    if filters:
        pages.append({"name": "all", "pageType": "PAGE_TYPE_GLOBAL_FILTERS", "layout": list(filters)})
    return json.dumps({"datasets": datasets, "pages": pages})
