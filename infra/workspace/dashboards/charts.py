"""Charts: a widget's specification and its result as Vega-Lite, drawn as SVG.

Columns bear made-up names in Vega-Lite, and values are data only: nothing of a dashboard becomes an expression there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from infra.workspace.dashboards.definition import Json, Widget
from infra.workspace.dashboards.results import Result
from infra.workspace.dashboards.texts import written

Chart = dict[str, Any]
_COLOURS = (
    "#2563eb",
    "#0f9d76",
    "#d97706",
    "#b42318",
    "#7c3aed",
    "#0891b2",
    "#be185d",
    "#65a30d",
    "#64748b",
    "#a16207",
)
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_TYPES = {"quantitative": "quantitative", "temporal": "temporal", "categorical": "nominal"}
_SORTS = {"natural-order": None, "y": "y", "y-reversed": "-y", "x": "x", "x-reversed": "-x"}
_SERIES, _VALUE = "series", "value"
_POINTS_UP_TO = 40
_BINS = 20
_FONT = "system-ui, Liberation Sans, sans-serif"
_CONFIG: Chart = {
    "font": _FONT,
    "background": "transparent",
    "view": {"stroke": None},
    "mark": {"color": _COLOURS[0]},
    "axis": {
        "gridColor": "#edf0f4",
        "domainColor": "#c5cedb",
        "tickColor": "#c5cedb",
        "labelColor": "#5c6b7f",
        "titleColor": "#5c6b7f",
        "titleFontWeight": "normal",
        "labelFontSize": 11,
        "titleFontSize": 11,
        "labelOverlap": "greedy",
        "labelSeparation": 6,
    },
    "legend": {"orient": "top", "labelColor": "#16202e", "labelFontSize": 11, "symbolType": "circle"},
    "range": {"category": list(_COLOURS)},
    "arc": {"stroke": "#fff"},
}


class Undrawable(Exception):
    """The widget's specification and its result do not fit each other; the text says how."""


@dataclass(frozen=True)
class Size:
    """Of the whole picture, in pixels."""

    width: int
    height: int


def is_chart(kind: str) -> bool:
    return kind in _DRAWN


def draw(widget: Widget, result: Result, size: Size) -> str:
    """The chart as SVG; raises Undrawable."""
    # The first chart pays for a JavaScript engine (a second): it is started when there is one to draw.
    import vl_convert

    svg: str = vl_convert.vegalite_to_svg(chart(widget, result, size), allowed_base_urls=[])
    return svg


def chart(widget: Widget, result: Result, size: Size) -> Chart:
    """The chart in Vega-Lite."""
    colours = widget.spec.get("mark", {}).get("colors") if isinstance(widget.spec.get("mark"), Mapping) else None
    known = [each for each in colours or () if isinstance(each, str) and _COLOUR.fullmatch(each)]
    config = {**_CONFIG, "range": {"category": known}} if known else _CONFIG
    frame = {"width": size.width, "height": size.height, "autosize": {"type": "fit", "contains": "padding"}}
    return {"config": config, **frame, **_DRAWN[widget.kind](_Drawing(widget, result, size))}


class _Drawing:
    """Collects the columns that a chart needs, under safe names."""

    def __init__(self, widget: Widget, result: Result, size: Size) -> None:
        self.widget = widget
        self.size = size
        self._result = result
        self._columns: dict[str, list[Any]] = {}

    def channel(self, name: str) -> Chart | None:
        """The encoding of a channel; None where the widget has none."""
        encodings = self.widget.encodings(name)
        return self.of(name, encodings[0]) if encodings and encodings[0].get("fieldName") else None

    def required(self, name: str) -> Chart:
        found = self.channel(name)
        if found is None:
            raise Undrawable(f"a {self.widget.kind} chart needs a field for {name}")
        return found

    def of(self, name: str, encoding: Json) -> Chart:
        kind = self._type(encoding)
        self._columns[name] = self._values(encoding, kind)
        return {"field": name, "type": kind, **_axis(self.widget.encoding(name) or encoding, encoding, kind)}

    def measures(self, encodings: Sequence[Json]) -> list[tuple[str, list[Any]]]:
        """Label and values of each of several fields on one axis."""
        return [(_label(each), self._values(each, "quantitative")) for each in encodings]

    def colour(self) -> Chart | None:
        found = self.channel("color")
        if found is None or found["type"] != "nominal":
            return found
        found["title"] = None  # the entries of a legend speak for themselves
        mappings = self.widget.encoding("color").get("scale", {}).get("mappings") or []
        pairs = [
            (str(each.get("value")), each["color"])
            for each in mappings
            if isinstance(each, Mapping) and isinstance(each.get("color"), str) and _COLOUR.fullmatch(each["color"])
        ]
        scale = {"domain": [value for value, _ in pairs], "range": [colour for _, colour in pairs]}
        return {**found, "scale": scale} if pairs else found

    def count(self, name: str) -> int:
        """How many different values a channel has."""
        return len(set(self._columns[name]))

    def rows(self) -> list[Chart]:
        names = list(self._columns)
        return [dict(zip(names, row, strict=True)) for row in zip(*self._columns.values(), strict=True)]

    def melted(self, measures: Sequence[tuple[str, list[Any]]]) -> list[Chart]:
        """The rows once for each measure, with its label as the series (together with the colour, if there is one)."""
        rows = self.rows() or [{} for _ in measures[0][1]]
        return [
            {**row, _SERIES: f"{row['color']} · {label}" if "color" in row else label, _VALUE: value}
            for label, values in measures
            for row, value in zip(rows, values, strict=True)
        ]

    def _type(self, encoding: Json) -> str:
        scale = encoding.get("scale")
        given = _TYPES.get(str(scale.get("type"))) if isinstance(scale, Mapping) else None
        kind = self._result.kind(self._name(encoding))
        return given or {"number": "quantitative", "text": "nominal"}.get(kind, "temporal")

    def _values(self, encoding: Json, kind: str) -> list[Any]:
        name = self._name(encoding)
        found, stored = self._result.values(name), self._result.kind(name)
        if kind == "nominal":
            return [written(value, stored) for value in found]
        if stored == "text":
            return [_number(value) if kind == "quantitative" else _time(value) for value in found]
        return found

    def _name(self, encoding: Json) -> str:
        name = str(encoding.get("fieldName"))
        if name not in self._result.names:
            raise Undrawable(f"its query has no field {name}, only {', '.join(self._result.names)}")
        return name


def _series(drawing: _Drawing, mark: Callable[[_Drawing], Chart], scale: Chart) -> Chart:
    """Charts over an x axis with one measure or several."""
    measured = drawing.widget.encodings("y")
    x, colour = drawing.required("x"), drawing.colour()
    if len(measured) > 1 and x["type"] == "quantitative" and drawing.widget.kind == "bar":
        raise Undrawable("a bar chart with several fields for y needs categories or times for x")
    if len(measured) <= 1:
        y = drawing.required("y")
        series = {"color": colour} if colour else {}
        rows = drawing.rows()
    else:
        title = {"title": drawing.widget.encoding("y").get("axis", {}).get("title")}
        y = {"field": _VALUE, "type": "quantitative", **title}
        rows = drawing.melted(drawing.measures(measured))
        series = {"color": {"field": _SERIES, "type": "nominal", "sort": None, "title": None}}
    if y["type"] == "quantitative":
        y = {**y, "scale": {**scale, **y.get("scale", {})}}
    drawn = mark(drawing)
    if "size" in drawn:  # bars of a width in pixels stand on a continuous axis, which leaves them no room at its ends
        x = {**x, "scale": {**x.get("scale", {}), "padding": drawn["size"] // 2 + 2}}
    offset = {"xOffset": {"field": series["color"]["field"]}} if series and drawn.pop("grouped", False) else {}
    drawn.pop("grouped", None)
    return {"data": {"values": rows}, "mark": drawn, "encoding": {"x": x, "y": y, **series, **offset}}


def _bar(drawing: _Drawing) -> Chart:
    mark = drawing.widget.spec.get("mark")
    is_grouped = isinstance(mark, Mapping) and mark.get("layout") == "group"
    look: Chart = {"type": "bar", "cornerRadiusEnd": 2, "grouped": is_grouped}
    if drawing.required("x")["type"] == "temporal":
        look["size"] = max(1, min(40, int(0.7 * drawing.size.width / (drawing.count("x") + 1))))
    return look


def _line(drawing: _Drawing) -> Chart:
    return {"type": "line", "strokeWidth": 2, "point": {"size": 24} if drawing.count("x") <= _POINTS_UP_TO else False}


def _area(drawing: _Drawing) -> Chart:
    return {"type": "area", "opacity": 0.65, "line": True}


def _scatter(drawing: _Drawing) -> Chart:
    size = drawing.channel("size")
    drawn = _series(drawing, lambda _: {"type": "point", "filled": True, "opacity": 0.6}, {"zero": False})
    if drawn["encoding"]["x"]["type"] == "quantitative":
        drawn["encoding"]["x"]["scale"] = {"zero": False}
    if size:
        drawn["encoding"]["size"] = {**size, "legend": None}
    return drawn


def _pie(drawing: _Drawing) -> Chart:
    angle, colour = drawing.required("angle"), drawing.colour()
    encoding = {"theta": {"field": "angle", "type": angle["type"], "stack": True}}
    if colour:
        encoding["color"] = {**colour, "legend": {"orient": "right"}}
    radius = min(drawing.size.width, drawing.size.height) // 2 - 8
    mark = {"type": "arc", "innerRadius": int(radius * 0.55), "outerRadius": max(radius, 20)}
    return {"data": {"values": drawing.rows()}, "mark": mark, "encoding": encoding}


def _heatmap(drawing: _Drawing) -> Chart:
    x, y, colour = drawing.required("x"), drawing.required("y"), drawing.required("color")
    for axis in (x, y):
        axis["type"] = "ordinal" if axis["type"] == "temporal" else axis["type"]
    colour = {**colour, "scale": {"scheme": "blues"}, "legend": {"orient": "top", "gradientLength": 160}}
    if x["type"] == "ordinal":
        x = {**x, "timeUnit": "utcyearmonthdate", "axis": {"format": "%Y-%m-%d"}}
    encoding = {"x": x, "y": y, "color": colour}
    return {"data": {"values": drawing.rows()}, "mark": {"type": "rect"}, "encoding": encoding}


def _histogram(drawing: _Drawing) -> Chart:
    """Bins come with the query (x and y), or are made here of the values (x only)."""
    if drawing.channel("y"):
        return _series(drawing, lambda each: {**_bar(each), "size": _bin_size(each)}, {})
    x = drawing.required("x")
    x = {**x, "bin": {"maxbins": _BINS}}
    y = {"aggregate": "count", "type": "quantitative", "title": "Count"}
    mark = {"type": "bar", "binSpacing": 1}
    return {"data": {"values": drawing.rows()}, "mark": mark, "encoding": {"x": x, "y": y}}


def _bin_size(drawing: _Drawing) -> int:
    drawing.required("x")
    return max(1, int(0.85 * drawing.size.width / (drawing.count("x") + 1)))


def _combo(drawing: _Drawing) -> Chart:
    """Bars on the left axis, lines on the right one."""
    x = drawing.required("x")
    layers = []
    for side, mark in (("primary", {"type": "bar", "opacity": 0.8}), ("secondary", {"type": "line", "point": True})):
        inner = drawing.widget.encoding("y").get(side)
        fields = (
            [each for each in inner.get("fields", ()) if each.get("fieldName")] if isinstance(inner, Mapping) else []
        )
        if fields:
            title = ", ".join(_label(each) for each in fields)
            y = {"field": _VALUE, "type": "quantitative", "title": title}
            data = {"values": drawing.melted(drawing.measures(fields))}
            colour = {"field": _SERIES, "type": "nominal", "title": None}
            layers.append({"data": data, "mark": mark, "encoding": {"x": x, "y": y, "color": colour}})
    if not layers:
        raise Undrawable("a combo chart needs fields for y")
    return {"layer": layers, "resolve": {"scale": {"y": "independent"}}}


_DRAWN: dict[str, Callable[[_Drawing], Chart]] = {
    "area": lambda drawing: _series(drawing, _area, {}),
    "bar": lambda drawing: _series(drawing, _bar, {}),
    "combo": _combo,
    "heatmap": _heatmap,
    "histogram": _histogram,
    "line": lambda drawing: _series(drawing, _line, {"zero": False}),
    "pie": _pie,
    "scatter": _scatter,
}


def _axis(channel: Json, encoding: Json, kind: str) -> Chart:
    axis = channel.get("axis")
    given = axis if isinstance(axis, Mapping) else {}
    look: Chart = {"title": None if given.get("hideTitle") else str(given.get("title") or _label(encoding))}
    scale = encoding.get("scale")
    rules = scale if isinstance(scale, Mapping) else {}
    if kind == "temporal":
        look["scale"] = {"type": "utc"}
    elif kind == "nominal":
        sort = rules.get("sort")
        by = str(sort.get("by")) if isinstance(sort, Mapping) else ""
        look |= {"sort": _SORTS.get(by, "ascending"), "axis": {"labelAngle": 0, "labelLimit": 140}}
    else:
        look |= dict(_quantity(rules, encoding.get("format")))
    return look


def _quantity(scale: Json, format: Any) -> Iterator[tuple[str, Any]]:
    domain = scale.get("domain")
    if isinstance(domain, Mapping):
        ends = {"domainMin": domain.get("min"), "domainMax": domain.get("max")}
        yield "scale", {end: value for end, value in ends.items() if isinstance(value, int | float)}
    if isinstance(format, Mapping) and format.get("type") == "number-percent":
        yield "axis", {"format": ".1~%"}


def _label(encoding: Json) -> str:
    return str(encoding.get("displayName") or encoding.get("fieldName") or "")


def _number(text: Any) -> float | None:
    try:
        return float(text)
    except (TypeError, ValueError):
        return None


def _time(text: Any) -> int | None:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
