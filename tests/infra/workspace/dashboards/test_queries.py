"""Widgets' queries as SQL: grouped, filtered, with nothing of an address in them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import sqlglot
from hypothesis import given
from hypothesis import strategies as st

from infra.workspace.dashboards.definition import Definition, Query, read
from infra.workspace.dashboards.filters import choices
from infra.workspace.dashboards.queries import Asked, Unanswerable, asked, asked_for_values
from infra.workspace.dashboards.relative_time import resolved
from tests.support.dashboards import Json, document, widget

NOW = datetime(2026, 3, 31, 15, 30, tzinfo=UTC)
SQL = "SELECT * FROM dev.hrob.births"


def filter_widget(kind: str, target: Json, name: str = "f", **spec: object) -> Json:
    made = widget(kind, {"c": "`c`"}, {"fields": [{"queryName": "main_query", **target}]}, name=name)
    made["widget"]["spec"] |= spec
    return made


def query(fields: dict[str, str], disaggregated: bool = False) -> Query:
    return Query("main_query", "data", fields, disaggregated)


def ask(definition: Definition, wanted: Query, address: dict[str, list[str]] | None = None) -> Asked:
    chosen = choices(definition, definition.pages[0], address or {}, NOW)
    return asked(definition.datasets["data"], wanted, chosen, NOW)


@pytest.mark.parametrize(
    ("fields", "columns", "keys"),
    [
        ({"count(*)": "COUNT(`*`)"}, "COUNT(*) AS `count(*)`", None),
        (
            {"monthly(d)": 'DATE_TRUNC("MONTH", `d`)', "n": "SUM(`n`)"},
            "DATE_TRUNC('MONTH', `d`) AS `monthly(d)`, SUM(`n`) AS `n`",
            "DATE_TRUNC('MONTH', `d`)",
        ),
        ({"b": "BIN_FLOOR(`x`, 2)"}, "FLOOR(`x` / 2) * 2 AS `b`", "FLOOR(`x` / 2) * 2"),
        ({"b": "bin(`x`, binWidth=0.5)"}, "FLOOR(`x` / 0.5) * 0.5 AS `b`", "FLOOR(`x` / 0.5) * 0.5"),
        ({"c": "`c`", "c_associativity": "COUNT_IF(`associative_filter_predicate_group`)"}, "`c` AS `c`", "`c`"),
        ({"p": "PERCENTILE_APPROX(`x`, 0.5)", "g": "`g`"}, "PERCENTILE_APPROX(`x`, 0.5) AS `p`, `g` AS `g`", "`g`"),
    ],
)
def test_fields_become_columns_and_keys(fields: dict[str, str], columns: str, keys: str | None) -> None:
    sql = ask(read(document([], SQL)), query(fields)).sql
    grouped = f" GROUP BY {keys}" if keys else ""
    assert sql == f"SELECT {columns} FROM (\n{SQL}\n) AS dataset{grouped}"  # noqa: S608 - what is compared


def test_columns_as_they_are_are_the_datasets_own_statement() -> None:
    definition = read(document([], f"{SQL} ORDER BY at;\n"))
    for fields in ({"a": "`a`"}, {"a": "`a`", "b": "`b`"}):
        assert ask(definition, query(fields, True)).sql == f"{SQL} ORDER BY at"
    assert "SELECT" in ask(definition, query({"other": "`a`"}, True)).sql.split("FROM")[0]


@pytest.mark.parametrize("expression", ["MEASURE(`x`)", "bin(`x`, bins=10)", "SUM(("])
def test_what_cannot_be_asked_says_why(expression: str) -> None:
    with pytest.raises(Unanswerable, match=r"MEASURE|bins by their width|does not parse"):
        ask(read(document([], SQL)), query({"x": expression}))


@given(st.lists(st.text(min_size=1), min_size=1, max_size=3))
def test_chosen_values_are_parameters(values: list[str]) -> None:
    definition = read(document([filter_widget("filter-multi-select", {"fieldName": "c"})], SQL))
    found = ask(definition, query({"n": "SUM(`n`)"}), {"f_first~f": values})
    assert [value for _, value, _ in found.parameters] == values
    assert all(f":{name}" in found.sql for name, _, _ in found.parameters)
    assert found.sql.split(" WHERE ")[0] == ask(definition, query({"n": "SUM(`n`)"})).sql
    sqlglot.parse_one(found.sql, dialect="databricks")


def test_ranges_include_their_last_day() -> None:
    dates = filter_widget("filter-date-range-picker", {"fieldName": "c"})
    found = ask(read(document([dates], SQL)), query({"n": "SUM(`n`)"}), {"f_first~f~max": ["2026-02-01"]})
    assert found.sql.endswith("WHERE `c` < CAST(:filter_0_max AS TIMESTAMP) + INTERVAL 1 DAY")
    assert found.parameters == (("filter_0_max", "2026-02-01", "STRING"),)


def test_an_empty_choice_takes_back_the_default() -> None:
    default = {"values": {"dataType": "STRING", "values": [{"value": "old"}]}}
    chosen = filter_widget("filter-single-select", {"fieldName": "c"}, selection={"defaultSelection": default})
    definition = read(document([], SQL, filters=[chosen]))
    wanted = query({"n": "SUM(`n`)"})
    assert ask(definition, wanted).parameters == (("filter_0_0", "old", "STRING"),)
    assert ask(definition, wanted, {"f_all~f": [""]}).parameters == ()


def test_parameters_of_datasets() -> None:
    span = {"range": {"dataType": "DATE", "min": {"value": "now-1M/M"}, "max": {"value": "now/d"}}}
    groups = {"values": {"dataType": "STRING", "values": [{"value": "a"}, {"value": "b"}]}}
    parameters: list[Json] = [
        {"keyword": "day", "dataType": "DATE", "complexType": "RANGE", "defaultSelection": span},
        {"keyword": "groups", "dataType": "STRING", "complexType": "MULTI", "defaultSelection": groups},
        {"keyword": "least", "dataType": "INTEGER"},
    ]
    sql = "SELECT * FROM t WHERE d BETWEEN :day.min AND :day.max AND array_contains(:groups, g) AND n > :least"
    target = filter_widget("filter-single-select", {"parameterName": "least"})
    definition = read(document([target], sql, parameters=parameters))
    with pytest.raises(Unanswerable, match="parameter least of dataset Data has no value"):
        ask(definition, query({"d": "`d`"}, True))
    found = ask(definition, query({"d": "`d`"}, True), {"f_first~f": ["3"]})
    assert found.sql == (
        "SELECT * FROM t WHERE d BETWEEN :day_min AND :day_max AND array_contains(array(:groups_0, :groups_1), g)"
        " AND n > :least"
    )
    assert found.parameters == (
        ("day_min", "2026-02-01", "DATE"),
        ("day_max", "2026-03-31", "DATE"),
        ("groups_0", "a", "STRING"),
        ("groups_1", "b", "STRING"),
        ("least", "3", "BIGINT"),
    )


def test_values_to_choose_from() -> None:
    found = asked_for_values(read(document([], SQL)).datasets["data"], "`c`", NOW, 5)
    assert found.sql == (
        f"SELECT DISTINCT CAST(`c` AS STRING) AS value FROM (\n{SQL}\n) AS dataset"  # noqa: S608 - what is compared
        " WHERE CAST(`c` AS STRING) IS NOT NULL ORDER BY 1 LIMIT 5"
    )


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("now", "2026-03-31T15:30:00"),
        ("now/d", "2026-03-31T00:00:00"),
        ("now-1M", "2026-02-28T15:30:00"),
        ("now-13M/M", "2025-02-01T00:00:00"),
        ("now/w", "2026-03-30T00:00:00"),
        ("now-36h/h", "2026-03-30T03:00:00"),
        ("now+1y/y", "2027-01-01T00:00:00"),
        ("now-999999y", "now-999999y"),
        ("2026-01-01", "2026-01-01"),
    ],
)
def test_relative_times(text: str, moment: str) -> None:
    assert resolved(text, NOW) == moment
