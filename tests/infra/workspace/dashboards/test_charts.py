"""Charts, counters, tables and texts of widgets, without a workspace."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.workspace.dashboards.charts import chart, draw
from infra.workspace.dashboards.definition import Widget, read
from infra.workspace.dashboards.drawing import Size, Undrawable
from infra.workspace.dashboards.results import Result
from infra.workspace.dashboards.tables import counter, pivot, table
from infra.workspace.dashboards.texts import markdown, written, written_as
from tests.support.dashboards import document, field, widget

SIZE = Size(400, 240)
DAY = 86_400_000
ROWS = Result(
    ("day", "group", "n", "share", "flag"),
    ("date", "text", "number", "number", "text"),
    [
        (day * DAY, group, day + number, None if day == 1 else 0.1 * number, "true")
        for day in range(3)
        for number, group in enumerate(("a", "b"))
    ],
    truncated=False,
)


def of(kind: str, encodings: dict[str, Any], **spec: Any) -> Widget:
    return read(document([widget(kind, {}, encodings, **spec)])).pages[0].widgets[0]


def words(svg: str) -> set[str]:
    return {str(text.text) for text in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")}  # noqa: S314 - our own drawing


CHARTS = {
    "area": {"x": field("day", "temporal"), "y": field("n", "quantitative"), "color": field("group", "categorical")},
    "bar": {"x": field("group", "categorical"), "y": field("n", "quantitative"), "color": field("flag", "categorical")},
    "combo": {
        "x": field("day", "temporal"),
        "y": {"primary": {"fields": [{"fieldName": "n"}]}, "secondary": {"fields": [{"fieldName": "share"}]}},
    },
    "heatmap": {"x": field("day", "temporal"), "y": field("group", "categorical"), "color": field("n", "quantitative")},
    "histogram": {"x": field("n", "quantitative")},
    "line": {
        "x": field("day", "temporal"),
        "y": {"scale": {"type": "quantitative"}, "fields": [{"fieldName": "n"}, {"fieldName": "share"}]},
    },
    "pie": {"angle": field("n", "quantitative"), "color": field("group", "categorical")},
    "scatter": {
        "x": field("n", "quantitative"),
        "y": field("share", "quantitative"),
        "size": field("n", "quantitative"),
    },
}
SHOWN = {
    "area": {"a", "b", "day", "n"},
    "bar": {"true", "group", "n"},
    "combo": {"n", "share", "day"},
    "heatmap": {"1970-01-01", "1970-01-03", "a", "b"},
    "histogram": {"Count", "n"},
    "line": {"n", "share", "day"},
    "pie": {"a", "b"},
    "scatter": {"n", "share"},
}


@pytest.mark.parametrize("kind", CHARTS)
def test_every_kind_of_chart_is_drawn(kind: str) -> None:
    svg = draw(of(kind, CHARTS[kind]), ROWS, SIZE)
    assert words(svg) >= SHOWN[kind]
    root = ElementTree.fromstring(svg)  # noqa: S314 - as above
    assert (root.get("width"), root.get("height")) == ("400", "240")


def test_several_fields_are_series_and_colours_are_kept() -> None:
    made = chart(of("line", CHARTS["line"], mark={"colors": ["#123456", "url(x)"]}), ROWS, SIZE)
    assert {row["series"] for row in made["data"]["values"]} == {"n", "share"}
    assert made["config"]["range"]["category"] == ["#123456"]
    assert None in {row["value"] for row in made["data"]["values"]}  # a gap stays a gap


def test_bars_stand_beside_each_other_where_they_are_grouped() -> None:
    made = chart(of("bar", CHARTS["bar"], mark={"layout": "group"}), ROWS, SIZE)
    assert made["encoding"]["xOffset"] == {"field": "color"}


def test_what_does_not_fit_says_what() -> None:
    with pytest.raises(Undrawable, match="no field gone, only day, group"):
        chart(of("line", {"x": field("day", "temporal"), "y": field("gone", "quantitative")}), ROWS, SIZE)
    with pytest.raises(Undrawable, match="needs a field for x"):
        chart(of("bar", {"y": field("n", "quantitative")}), ROWS, SIZE)


HOSTILE = "</svg><script>alert(1)</script><img src=x onerror=alert(1)>"


def test_nothing_that_is_drawn_is_markup() -> None:
    rows = Result((HOSTILE, "n"), ("text", "number"), [(HOSTILE, 1), ("datum['x']", 2)], truncated=False)
    encodings = {
        "x": field(HOSTILE, "categorical"),
        "y": field("n", "quantitative"),
        "color": field(HOSTILE, "categorical"),
    }
    svg = draw(of("bar", encodings), rows, SIZE)
    drawn = ElementTree.fromstring(svg)  # noqa: S314 - as above
    assert not {"script", "img", "image", "a"} & {each.tag.rpartition("}")[2] for each in drawn.iter()}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["day", "n", "temporal", "quantitative"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["fieldName", "scale", "type", "fields", "axis", "format", "sort", "domain", "x", "y", "color"]
            )
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([*CHARTS, "counter", "table", "pivot"]), JSON, JSON, JSON)
def test_no_specification_breaks_more_than_its_widget(kind: str, x: Any, y: Any, more: Any) -> None:
    encodings = {"x": x, "y": y, "value": y, "color": more, "columns": more, "rows": x, "cell": y, "angle": x}
    made = of(kind, encodings, mark=more, frame=x)
    makers: dict[str, Callable[[Widget, Result], object]] = {"counter": counter, "table": table, "pivot": pivot}
    try:
        if kind in makers:
            makers[kind](made, ROWS)
        else:
            chart(made, ROWS, SIZE)
    except Undrawable as error:
        assert str(error)  # noqa: PT017 - most specifications are refused, which is as good


@given(JSON)
def test_no_document_fails_to_be_read(value: Any) -> None:
    for text in (
        {"datasets": value, "pages": value},
        {"pages": [{"layout": value}]},
        {"pages": [{"layout": [{"widget": value, "position": value}]}]},
    ):
        read(json.dumps(text))


def test_counters_tables_and_pivots() -> None:
    share = {"fieldName": "share", "format": {"type": "number-percent"}, "rowNumber": 2}
    target = {"fieldName": "n", "displayName": "of"}
    assert counter(of("counter", {"value": share, "target": target}), ROWS).value == "10%"
    columns = [{"fieldName": "n", "order": 2, "numberFormat": "0.0"}, {"fieldName": "day", "title": "Day", "order": 1}]
    made = table(of("table", {"columns": [*columns, {"fieldName": "flag", "visible": False}]}), ROWS)
    assert (made.headings, made.rows[0], made.numeric) == (["Day", "n"], ["1970-01-01", "0.0"], [False, True])
    keys = {"rows": [{"fieldName": "day"}], "columns": [{"fieldName": "group"}]}
    cell = {"fields": [{"fieldName": "n", "cellType": "color-scale"}]}
    crossed = pivot(of("pivot", {**keys, "cell": cell}), ROWS)
    assert (crossed.headings, crossed.rows[2]) == (["day", "a", "b"], ["1970-01-03", "2", "3"])
    assert crossed.shade[0] == [None, 0.0, pytest.approx(1 / 3)]


def test_values_read_well() -> None:
    numbers = (0, 1234567, 0.123456, 1234.5678, -3.0, 1e-7)
    assert [written(value, "number") for value in numbers] == ["0", "1,234,567", "0.1235", "1,235", "-3", "1.000e-07"]
    compact = {"type": "number-plain", "abbreviation": "compact", "decimalPlaces": {"type": "max", "places": 1}}
    assert written(12_345_678, "number", compact) == "12.3M"
    assert (written_as(1234.5, "number", "0,0.00"), written_as(0.5, "number", "0.0%")) == ("1,234.50", "50.0%")
    assert (written(None, "text"), written(DAY, "time"), written(DAY, "date")) == (
        "–",
        "1970-01-02 00:00",
        "1970-01-02",
    )


def test_markdown_lets_no_markup_pass() -> None:
    html = markdown("# A\n**b** <script>x</script> [bad](javascript:alert(1)) [good](https://example.com)")
    assert "<h1>A</h1>" in html
    assert "<script" not in html
    assert 'href="javascript' not in html
    assert '<a href="https://example.com">good</a>' in html
