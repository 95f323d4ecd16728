"""What the charts have in common: their columns, axes and colours in Vega-Lite's terms.

Columns bear made-up names in Vega-Lite, and values are data only: nothing of a dashboard becomes an expression there.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from infra.workspace.dashboards.definition import Json, Widget, member
from infra.workspace.dashboards.results import Result
from infra.workspace.dashboards.texts import written

Chart = dict[str, Any]
SERIES, VALUE = "series", "value"
COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_TYPES = {"quantitative": "quantitative", "temporal": "temporal", "categorical": "nominal"}
_SORTS = {"natural-order": None, "y": "y", "y-reversed": "-y", "x": "x", "x-reversed": "-x"}
_ENTRIES_ABOVE = 6
_DAY_MS = 86_400_000
_TIME_FORMATS = ((2, "%b %d %H:%M"), (300, "%b %d"), (1500, "%b %Y"), (math.inf, "%Y"))  # up to so many days


class Undrawable(Exception):
    """The widget's specification and its result do not fit each other; the text says how."""


@dataclass(frozen=True)
class Size:
    """Of the whole picture, in pixels."""

    width: int
    height: int


class Drawing:
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
        values = self._columns[name] = self._values(encoding, kind)
        look = _axis(self.widget.encoding(name) or encoding, encoding, kind)
        if kind == "temporal":
            look["axis"] = {"format": _time_format([each for each in values if each is not None])}
        return {"field": name, "type": kind, **look}

    def measures(self, encodings: Sequence[Json]) -> list[tuple[str, list[Any]]]:
        """Label and values of each of several fields on one axis."""
        return [(label(each), self._values(each, "quantitative")) for each in encodings]

    def colour(self) -> Chart | None:
        found = self.channel("color")
        if found is None or found["type"] != "nominal":
            return found
        found |= {"title": None, "legend": self.legend(self.count("color"))}
        mappings = member(self.widget.encoding("color"), "scale").get("mappings")
        pairs = [
            (str(each.get("value")), each["color"])
            for each in (mappings if isinstance(mappings, list) else ())
            if isinstance(each, Mapping) and isinstance(each.get("color"), str) and COLOUR.fullmatch(each["color"])
        ]
        scale = {"domain": [value for value, _ in pairs], "range": [colour for _, colour in pairs]}
        return {**found, "scale": scale} if pairs else found

    def legend(self, entries: int) -> Chart:
        """Above the chart while it is a line; many entries stand beside it, as many as there is room for."""
        if entries <= _ENTRIES_ABOVE:
            return {}
        return {"orient": "right", "symbolLimit": max(self.size.height // 16, 4), "labelLimit": 180}

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
            {**row, SERIES: f"{row['color']} · {label}" if "color" in row else label, VALUE: value}
            for label, values in measures
            for row, value in zip(rows, values, strict=True)
        ]

    def _type(self, encoding: Json) -> str:
        given = _TYPES.get(str(member(encoding, "scale").get("type")))
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


def _axis(channel: Json, encoding: Json, kind: str) -> Chart:
    given = member(channel, "axis")
    look: Chart = {"title": None if given.get("hideTitle") else str(given.get("title") or label(encoding))}
    rules = member(encoding, "scale")
    if kind == "temporal":
        look["scale"] = {"type": "utc"}
    elif kind == "nominal":
        look |= {
            "sort": _SORTS.get(str(member(rules, "sort").get("by")), "ascending"),
            "axis": {"labelAngle": 0, "labelLimit": 140},
        }
    else:
        look |= dict(_quantity(rules, member(encoding, "format")))
    return look


def _time_format(moments: Sequence[int]) -> str:
    """As much of a time as tells the ticks of an axis apart."""
    days = (max(moments) - min(moments)) / _DAY_MS if moments else 0
    return next(form for most, form in _TIME_FORMATS if days <= most)


def _quantity(scale: Json, format: Json) -> Iterator[tuple[str, Any]]:
    domain = member(scale, "domain")
    if domain:
        ends = {"domainMin": domain.get("min"), "domainMax": domain.get("max")}
        yield "scale", {end: value for end, value in ends.items() if isinstance(value, int | float)}
    if format.get("type") == "number-percent":
        yield "axis", {"format": ".1~%"}


def label(encoding: Json) -> str:
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
