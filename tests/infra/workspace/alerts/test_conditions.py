"""Conditions on results, and the templates of what is told."""

from __future__ import annotations

import math
import statistics
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.workspace.alerts.conditions import Result, Unanswerable, judge
from infra.workspace.alerts.templates import render, table

NUMBERS = st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), min_size=1, max_size=20)


def result(*values: object, kind: str = "DOUBLE") -> Result:
    rows = [[None if value is None else str(value)] for value in values]
    return Result([{"name": "v", "type_name": kind}], rows)


def found(
    result: Result, aggregation: str | None, operator: str, threshold: dict[str, Any] | None = None, **more: Any
) -> tuple[str, object]:
    source = {"name": "V", **({"aggregation": aggregation} if aggregation else {})}
    evaluation = {"source": source, "comparison_operator": operator, "threshold": threshold, **more}
    finding = judge(evaluation, result)
    return finding.state, finding.value


def above(limit: float) -> dict[str, Any]:
    return {"value": {"double_value": limit}}


@pytest.mark.parametrize(
    ("aggregation", "value"),
    [
        (None, 3.0), ("MIN", 1.0), ("MAX", 3.0), ("SUM", 7.0), ("COUNT", 4), ("COUNT_DISTINCT", 3), ("AVG", 1.75),
        ("MEDIAN", 1.5), ("STDDEV", pytest.approx(0.957427)),
    ],
)  # fmt: skip
def test_each_aggregation_leaves_nulls_out(aggregation: str | None, value: object) -> None:
    rows = result(3.0, None, 1.0, 2.0, 1.0)
    assert found(rows, aggregation, "GREATER_THAN", above(0.5)) == ("TRIGGERED", value)


@given(NUMBERS)
def test_aggregates_are_those_of_the_values_there_are(values: list[float | None]) -> None:
    rows, present = result(*values), [value for value in values if value is not None]
    assert found(rows, "COUNT", "EQUAL", above(len(present)))[0] == "TRIGGERED"
    if present:
        assert found(rows, "MEDIAN", "IS_NULL")[1] == statistics.median(present)
        assert found(rows, "AVG", "IS_NULL")[1] == pytest.approx(statistics.fmean(present), abs=1e-6)
    if len(present) > 1:
        assert found(rows, "STDDEV", "IS_NULL")[1] == pytest.approx(statistics.stdev(present), abs=1e-4)


@given(st.floats(-10, 10), st.floats(-10, 10))
def test_each_comparison_and_its_opposite_differ(value: float, limit: float) -> None:
    opposites = [("GREATER_THAN", "LESS_THAN_OR_EQUAL"), ("LESS_THAN", "GREATER_THAN_OR_EQUAL"), ("EQUAL", "NOT_EQUAL")]
    for one, other in opposites:
        states = {found(result(value), None, name, above(limit))[0] for name in (one, other)}
        assert states == {"OK", "TRIGGERED"}


def test_a_null_meets_no_condition_but_is_null() -> None:
    assert found(result(None), None, "NOT_EQUAL", above(1))[0] == "OK"
    assert found(result(None, None), "SUM", "LESS_THAN", above(1))[0] == "OK"
    assert found(result(None), None, "IS_NULL")[0] == "TRIGGERED"
    assert found(result(1), None, "IS_NOT_NULL")[0] == "TRIGGERED"


def test_an_empty_result_has_the_state_that_the_alert_names() -> None:
    assert found(result(), "COUNT", "GREATER_THAN", above(0))[0] == "UNKNOWN"
    assert found(result(), "COUNT", "GREATER_THAN", above(0), empty_result_state="TRIGGERED")[0] == "TRIGGERED"


def test_texts_booleans_and_other_columns_are_compared_in_their_types() -> None:
    assert found(result("b", kind="STRING"), None, "EQUAL", {"value": {"string_value": "b"}})[0] == "TRIGGERED"
    assert found(result("true", kind="BOOLEAN"), None, "EQUAL", {"value": {"bool_value": True}})[0] == "TRIGGERED"
    assert found(result("11", kind="STRING"), None, "GREATER_THAN", above(2))[0] == "TRIGGERED"
    both = Result([{"name": "v", "type_name": "INT"}, {"name": "most", "type_name": "INT"}], [["1", "5"], ["9", "7"]])
    assert found(both, "MAX", "GREATER_THAN", {"column": {"name": "most"}})[0] == "TRIGGERED"
    assert found(both, "MAX", "GREATER_THAN", {"column": {"name": "most", "aggregation": "SUM"}})[0] == "OK"


def test_infinities_and_nan_break_nothing() -> None:
    rows = result("Infinity", "NaN", 1.0)
    assert found(rows, None, "GREATER_THAN", above(1e308))[0] == "TRIGGERED"
    assert math.isnan(float(str(found(rows, "MAX", "IS_NULL")[1])))
    assert found(rows, "STDDEV", "GREATER_THAN", above(0))[0] == "OK"


@pytest.mark.parametrize(
    ("rows", "aggregation", "threshold", "complaint"),
    [
        (result("b", kind="STRING"), "SUM", above(1), "SUM of column 'V' needs numbers"),
        (result("b", kind="STRING"), None, above(1), "'b' cannot be compared with the threshold 1"),
        (result(1.0), None, {"value": {"bool_value": True}}, "cannot be compared"),
        (Result([{"name": "w", "type_name": "INT"}], [["1"]]), None, above(1), "no column 'V'; it has: w"),
    ],
)
def test_what_cannot_be_judged_says_why(
    rows: Result, aggregation: str | None, threshold: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(Unanswerable, match=complaint):
        found(rows, aggregation, "GREATER_THAN", threshold)


VARIABLES = {
    "ALERT_NAME": "drift",
    "QUERY_RESULT_VALUE": 3,
    "QUERY_RESULT_ROWS": [{"feature": "age", "psi": "0.3"}, {"feature": "parity", "psi": None}],
    "QUERY_RESULT_COLS": ["feature", "psi"],
}


def test_templates_are_mustache_or_markdown() -> None:
    assert render("{{ALERT_NAME}} {{{ QUERY_RESULT_VALUE }}} {{NOBODY}}!", VARIABLES) == "drift 3 !"
    rows = "{{#ROWS}}{{feature}}={{psi}};{{/ROWS}}{{^ROWS}}none{{/ROWS}}".replace("ROWS", "QUERY_RESULT_ROWS")
    assert render(rows, VARIABLES) == "age=0.3;parity=;"
    assert render(rows, {"QUERY_RESULT_ROWS": []}) == "none"
    assert render("{{#QUERY_RESULT_COLS}}<{{.}}>{{/QUERY_RESULT_COLS}}", VARIABLES) == "<feature><psi>"
    assert render("@ALERT_NAME to ann@EXAMPLE_ORG: {{ALERT_NAME}}", VARIABLES, "MARKDOWN") == (
        "drift to ann@EXAMPLE_ORG: {{ALERT_NAME}}"
    )


def test_a_results_table_is_html_of_its_first_hundred_rows() -> None:
    shown = table([{"name": "a<b"}], [["<x>"], [None], *[["1"]] * 200])
    assert shown.startswith("<table><tr><th>a&lt;b</th></tr><tr><td>&lt;x&gt;</td></tr><tr><td></td></tr>")
    assert shown.count("<tr>") == 101
