"""Charts: a widget's specification and its result as Vega-Lite, drawn as SVG."""

from __future__ import annotations

from collections.abc import Callable

from infra.workspace.dashboards.definition import Widget, fields_of, member
from infra.workspace.dashboards.drawing import COLOUR, SERIES, VALUE, Chart, Drawing, Size, Undrawable, label
from infra.workspace.dashboards.results import Result

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
_POINTS_UP_TO = 40
_BINS = 20
_FONT = "Liberation Sans, Arial, Helvetica, sans-serif"  # of one width, so that texts fit where they are drawn
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
    colours = member(widget.spec, "mark").get("colors")
    given = colours if isinstance(colours, list) else ()
    known = [each for each in given if isinstance(each, str) and COLOUR.fullmatch(each)]
    config = {**_CONFIG, "range": {"category": known}} if known else _CONFIG
    frame = {"width": size.width, "height": size.height, "autosize": {"type": "fit", "contains": "padding"}}
    return {"config": config, **frame, **_DRAWN[widget.kind](Drawing(widget, result, size))}


def _series(drawing: Drawing, mark: Callable[[Drawing], Chart], scale: Chart) -> Chart:
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
        title = {"title": member(drawing.widget.encoding("y"), "axis").get("title")}
        y = {"field": VALUE, "type": "quantitative", **title}
        rows = drawing.melted(drawing.measures(measured))
        legend = drawing.legend(len(measured) * (drawing.count("color") if colour else 1))
        series = {"color": {"field": SERIES, "type": "nominal", "sort": None, "title": None, "legend": legend}}
    if y["type"] == "quantitative":
        y = {**y, "scale": {**scale, **y.get("scale", {})}}
    drawn = mark(drawing)
    if "size" in drawn:  # bars of a width in pixels stand on a continuous axis, which leaves them no room at its ends
        x = {**x, "scale": {**x.get("scale", {}), "padding": drawn["size"] // 2 + 2}}
    offset = {"xOffset": {"field": series["color"]["field"]}} if series and drawn.pop("grouped", False) else {}
    drawn.pop("grouped", None)
    return {"data": {"values": rows}, "mark": drawn, "encoding": {"x": x, "y": y, **series, **offset}}


def _bar(drawing: Drawing) -> Chart:
    is_grouped = member(drawing.widget.spec, "mark").get("layout") == "group"
    look: Chart = {"type": "bar", "cornerRadiusEnd": 2, "grouped": is_grouped}
    if drawing.required("x")["type"] == "temporal":
        look["size"] = max(1, min(40, int(0.7 * drawing.size.width / (drawing.count("x") + 1))))
    return look


def _line(drawing: Drawing) -> Chart:
    return {"type": "line", "strokeWidth": 2, "point": {"size": 24} if drawing.count("x") <= _POINTS_UP_TO else False}


def _area(drawing: Drawing) -> Chart:
    return {"type": "area", "opacity": 0.65, "line": True}


def _scatter(drawing: Drawing) -> Chart:
    size = drawing.channel("size")
    drawn = _series(drawing, lambda _: {"type": "point", "filled": True, "opacity": 0.6}, {"zero": False})
    if drawn["encoding"]["x"]["type"] == "quantitative":
        drawn["encoding"]["x"]["scale"] = {"zero": False}
    if size:
        drawn["encoding"]["size"] = {**size, "legend": None}
    return drawn


def _pie(drawing: Drawing) -> Chart:
    angle, colour = drawing.required("angle"), drawing.colour()
    encoding = {"theta": {"field": "angle", "type": angle["type"], "stack": True}}
    if colour:
        encoding["color"] = {**colour, "legend": {"orient": "right"}}
    radius = min(drawing.size.width, drawing.size.height) // 2 - 8
    mark = {"type": "arc", "innerRadius": int(radius * 0.55), "outerRadius": max(radius, 20)}
    return {"data": {"values": drawing.rows()}, "mark": mark, "encoding": encoding}


def _heatmap(drawing: Drawing) -> Chart:
    x, y, colour = drawing.required("x"), drawing.required("y"), drawing.required("color")
    for axis in (x, y):
        axis["type"] = "ordinal" if axis["type"] == "temporal" else axis["type"]
    colour = {**colour, "scale": {"scheme": "blues"}, "legend": {"orient": "top", "gradientLength": 160}}
    if x["type"] == "ordinal":
        x = {**x, "timeUnit": "utcyearmonthdate", "axis": {"format": "%Y-%m-%d"}}
    encoding = {"x": x, "y": y, "color": colour}
    return {"data": {"values": drawing.rows()}, "mark": {"type": "rect"}, "encoding": encoding}


def _histogram(drawing: Drawing) -> Chart:
    """Bins come with the query (x and y), or are made here of the values (x only)."""
    if drawing.channel("y"):
        return _series(drawing, lambda each: {**_bar(each), "size": _bin_size(each)}, {})
    x = drawing.required("x")
    x = {**x, "bin": {"maxbins": _BINS}}
    y = {"aggregate": "count", "type": "quantitative", "title": "Count"}
    mark = {"type": "bar", "binSpacing": 1}
    return {"data": {"values": drawing.rows()}, "mark": mark, "encoding": {"x": x, "y": y}}


def _bin_size(drawing: Drawing) -> int:
    drawing.required("x")
    return max(1, int(0.85 * drawing.size.width / (drawing.count("x") + 1)))


def _combo(drawing: Drawing) -> Chart:
    """Bars on the left axis, lines on the right one."""
    x = drawing.required("x")
    layers = []
    for side, mark in (("primary", {"type": "bar", "opacity": 0.8}), ("secondary", {"type": "line", "point": True})):
        fields = fields_of(member(drawing.widget.encoding("y"), side))
        if fields:
            title = ", ".join(label(each) for each in fields)
            y = {"field": VALUE, "type": "quantitative", "title": title}
            data = {"values": drawing.melted(drawing.measures(fields))}
            colour = {"field": SERIES, "type": "nominal", "title": None}
            layers.append({"data": data, "mark": mark, "encoding": {"x": x, "y": y, "color": colour}})
    if not layers:
        raise Undrawable("a combo chart needs fields for y")
    return {"layer": layers, "resolve": {"scale": {"y": "independent"}}}


_DRAWN: dict[str, Callable[[Drawing], Chart]] = {
    "area": lambda drawing: _series(drawing, _area, {}),
    "bar": lambda drawing: _series(drawing, _bar, {}),
    "combo": _combo,
    "heatmap": _heatmap,
    "histogram": _histogram,
    "line": lambda drawing: _series(drawing, _line, {"zero": False}),
    "pie": _pie,
    "scatter": _scatter,
}
