"""A serialized dashboard, read: datasets, and pages of widgets on a grid.

The format is that of Databricks' `.lvdash.json` files. Nothing here fails on what it does not know: a widget whose form
makes no sense keeps its place and shows as what it is, one that cannot be drawn.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Json = Mapping[str, Any]
_COLUMNS, _NEW_COLUMNS = 6, 12  # of a page's grid: twelve since layout version GRID_V1


@dataclass(frozen=True)
class Parameter:
    """A named parameter of a dataset's SQL; `complex_type` is MULTI, RANGE or empty."""

    keyword: str
    data_type: str
    complex_type: str
    default: Json


@dataclass(frozen=True)
class Dataset:
    name: str
    title: str
    sql: str
    catalog: str | None
    schema: str | None
    parameters: tuple[Parameter, ...]


@dataclass(frozen=True)
class Query:
    """What a widget asks of a dataset: named expressions over its columns."""

    name: str
    dataset: str
    fields: Mapping[str, str]
    disaggregated: bool


@dataclass(frozen=True)
class Widget:
    """One widget; `kind` is its `widgetType`, `text` for text boxes. Position and size are in cells of the grid."""

    name: str
    kind: str
    title: str
    description: str
    spec: Json
    queries: tuple[Query, ...]
    text: str
    x: int
    y: int
    width: int
    height: int

    @property
    def is_filter(self) -> bool:
        return self.kind.startswith("filter-") or self.kind == "range-slider"

    def encoding(self, name: str) -> Json:
        return _object(member(self.spec, "encodings").get(name))

    def encodings(self, name: str) -> list[Json]:
        """The encodings of a name that may stand for several fields: a list, or an object with `fields`."""
        found = _object(self.spec.get("encodings")).get(name)
        inner = found.get("fields", [found]) if isinstance(found, Mapping) else found
        return [each for each in _objects(inner) if each]


@dataclass(frozen=True)
class Page:
    name: str
    title: str
    is_for_all: bool
    """Whether its filters count on every page."""
    columns: int
    widgets: tuple[Widget, ...]


@dataclass(frozen=True)
class Definition:
    datasets: Mapping[str, Dataset] = field(default_factory=dict)
    pages: tuple[Page, ...] = ()


def read(serialized: str) -> Definition:
    """The definition that a serialized dashboard gives."""
    parsed = json.loads(serialized)
    datasets = [_dataset(each) for each in _objects(parsed.get("datasets"))]
    pages = [_page(each, number) for number, each in enumerate(_objects(parsed.get("pages")), start=1)]
    return Definition({each.name: each for each in datasets}, tuple(pages))


def member(given: Json, name: str) -> Json:
    """The object under a name; an empty one where there is none or something else."""
    return _object(given.get(name))


def fields_of(given: Json) -> list[Json]:
    """The members of `fields` that name one."""
    return [each for each in _objects(given.get("fields")) if each.get("fieldName")]


def _dataset(given: Json) -> Dataset:
    lines = given.get("queryLines")
    sql = _lines(lines) if isinstance(lines, list) else str(given.get("query") or "")
    name = str(given.get("name") or "")
    parameters = [
        Parameter(
            str(each.get("keyword") or ""),
            str(each.get("dataType") or "STRING"),
            str(each.get("complexType") or ""),
            _object(each.get("defaultSelection")),
        )
        for each in _objects(given.get("parameters"))
    ]
    return Dataset(
        name,
        str(given.get("displayName") or name),
        sql.strip().rstrip(";"),
        given.get("catalog") or None,
        given.get("schema") or None,
        tuple(parameters),
    )


def _page(given: Json, number: int) -> Page:
    widgets = tuple(_widget(each) for each in _objects(given.get("layout")))
    widest = max((widget.x + widget.width for widget in widgets), default=0)
    is_new = given.get("layoutVersion") == "GRID_V1" or widest > _COLUMNS
    return Page(
        str(given.get("name") or number),
        str(given.get("displayName") or f"Page {number}"),
        given.get("pageType") == "PAGE_TYPE_GLOBAL_FILTERS",
        _NEW_COLUMNS if is_new else _COLUMNS,
        tuple(sorted(widgets, key=lambda widget: (widget.y, widget.x))),
    )


def _widget(given: Json) -> Widget:
    widget, position = _object(given.get("widget")), _object(given.get("position"))
    spec = _object(widget.get("spec"))
    frame = _object(spec.get("frame"))
    text = _text(widget)
    return Widget(
        name=str(widget.get("name") or ""),
        kind="text" if text is not None else str(spec.get("widgetType") or "without a type"),
        title=str(frame.get("title") or "") if frame.get("showTitle", True) else "",
        description=str(frame.get("description") or "") if frame.get("showDescription") else "",
        spec=spec,
        queries=tuple(_query(each) for each in _objects(widget.get("queries"))),
        text=text or "",
        x=_cells(position.get("x"), 0),
        y=_cells(position.get("y"), 0),
        width=max(_cells(position.get("width"), 1), 1),
        height=max(_cells(position.get("height"), 1), 1),
    )


def _text(widget: Json) -> str | None:
    for name in ("multilineTextboxSpec", "textbox_spec", "textboxSpec"):
        if name in widget:
            box = widget[name]
            return _lines(box.get("lines")) if isinstance(box, Mapping) else str(box)
    return None


def _query(given: Json) -> Query:
    query = _object(given.get("query"))
    fields = {str(each.get("name")): str(each.get("expression") or "") for each in _objects(query.get("fields"))}
    return Query(
        str(given.get("name") or ""), str(query.get("datasetName") or ""), fields, bool(query.get("disaggregated"))
    )


def _lines(lines: Any) -> str:
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in map(str, _list(lines)))


def _cells(value: Any, default: int) -> int:
    return min(max(value, 0), 1000) if isinstance(value, int) else default


def _object(value: Any) -> Json:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _objects(value: Any) -> list[Json]:
    return [each for each in _list(value) if isinstance(each, Mapping)]
