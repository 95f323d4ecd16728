"""Widgets of a Lakeview dashboard: each shows columns of a dataset as they are, without further aggregation.

The format is that of `.lvdash.json` files: charts are of version 3, counters of version 2, tables of version 1.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

Json = dict[str, Any]
Chart = Literal["line", "bar", "area"]

_QUERY = "main_query"


def counter(name: str, title: str, dataset: str, column: str) -> Json:
    """The first row's value as a number."""
    return _widget(name, title, dataset, [column], 2, "counter", {"value": {"fieldName": column, "displayName": title}})


def chart(kind: Chart, name: str, title: str, dataset: str, x: str, y: str, colour: str | None = None) -> Json:
    """Values over time, one series a value of `colour`."""
    encodings: Json = {
        "x": {"fieldName": x, "scale": {"type": "temporal"}, "displayName": _words(x)},
        "y": {"fieldName": y, "scale": {"type": "quantitative"}, "displayName": _words(y)},
    }
    if colour:
        encodings["color"] = {"fieldName": colour, "scale": {"type": "categorical"}, "displayName": _words(colour)}
    return _widget(name, title, dataset, [each for each in (x, y, colour) if each], 3, kind, encodings)


def table(name: str, title: str, dataset: str, columns: Sequence[str]) -> Json:
    """Rows as they come."""
    shown = [
        {"fieldName": column, "title": _words(column), "displayName": _words(column), "visible": True, "order": order}
        for order, column in enumerate(columns)
    ]
    return _widget(name, title, dataset, columns, 1, "table", {"columns": shown})


def text(name: str, *lines: str) -> Json:
    """Markdown."""
    return {"name": name, "multilineTextboxSpec": {"lines": [f"{line}\n" for line in lines]}}


def place(widget: Json, x: int, y: int, width: int, height: int) -> Json:
    """A widget on the page's grid of six columns."""
    return {"widget": widget, "position": {"x": x, "y": y, "width": width, "height": height}}


def _widget(
    name: str,
    title: str,
    dataset: str,
    columns: Sequence[str],
    version: int,
    kind: str,
    encodings: Mapping[str, Any],
) -> Json:
    fields = [{"name": column, "expression": f"`{column}`"} for column in columns]
    return {
        "name": name,
        "queries": [
            {"name": _QUERY, "query": {"datasetName": dataset, "fields": fields, "disaggregated": True}},
        ],
        "spec": {
            "version": version,
            "widgetType": kind,
            "encodings": encodings,
            "frame": {"showTitle": True, "title": title},
        },
    }


def _words(column: str) -> str:
    return column.replace("_", " ")
