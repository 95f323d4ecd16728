"""The SQL behind a widget: its expressions over its dataset, grouped and filtered."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from infra.workspace.dashboards.definition import Dataset, Parameter, Query
from infra.workspace.dashboards.filters import Choice, Selection, default_of

_AGGREGATES = frozenset({"percentile_approx", "kurtosis", "skewness", "mode", "listagg", "string_agg", "try_sum"})
_TYPES = {"INTEGER": "BIGINT", "DECIMAL": "DOUBLE", "FLOAT": "DOUBLE", "DATE": "DATE", "DATETIME": "TIMESTAMP"}
_PREDICATE = "associative_filter_predicate_group"  # what the editor adds to filters, for its own use
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


class Unanswerable(Exception):
    """The widget's query cannot be put into SQL; the text says why."""


@dataclass(frozen=True)
class Asked:
    """A statement with its named parameters (name, value, type); what is equal is asked once."""

    sql: str
    catalog: str | None
    schema: str | None
    parameters: tuple[tuple[str, str, str], ...]


def asked(dataset: Dataset, query: Query, choices: Sequence[Choice], now: datetime) -> Asked:
    """The statement for a query; its result has a column for each field. Raises Unanswerable.

    A query that only takes columns as they are, unfiltered, is its dataset's own statement: in the dataset's order, and
    the same one for every such widget.
    """
    inner, parameters = _inner(dataset, choices, now)
    conditions, more = _conditions(dataset, choices)
    fields = [(name, _expression(text)) for name, text in query.fields.items() if _PREDICATE not in text]
    if not fields:
        raise Unanswerable("its query has no fields")
    plain = all(isinstance(found, exp.Column) and found.name == name for name, found in fields)
    if query.disaggregated and plain and not conditions:
        return Asked(inner, dataset.catalog, dataset.schema, parameters)
    columns = ", ".join(f"{_sql(found)} AS {_quoted(name)}" for name, found in fields)
    sql = f"SELECT {columns} FROM (\n{inner}\n) AS dataset"  # noqa: S608 - what it may read is checked as it runs
    if conditions:
        sql += " WHERE " + " AND ".join(conditions)
    if not query.disaggregated:
        keys = [_sql(found) for _, found in fields if not _is_aggregate(found)]
        sql += f" GROUP BY {', '.join(keys)}" if keys else ""
    return Asked(sql, dataset.catalog, dataset.schema, parameters + more)


def asked_for_values(dataset: Dataset, column: str, now: datetime, most: int) -> Asked:
    """The statement for the values that a filter offers, by their names."""
    inner, parameters = _inner(dataset, (), now)
    text = f"CAST({_sql(_expression(column))} AS STRING)"
    sql = (
        f"SELECT DISTINCT {text} AS value FROM (\n{inner}\n) AS dataset"  # noqa: S608 - as above
        f" WHERE {text} IS NOT NULL ORDER BY 1 LIMIT {most}"
    )
    return Asked(sql, dataset.catalog, dataset.schema, parameters)


def _inner(dataset: Dataset, choices: Sequence[Choice], now: datetime) -> tuple[str, tuple[tuple[str, str, str], ...]]:
    """The dataset's SQL with its parameters: what a filter has set, else their defaults."""
    if not dataset.sql:
        raise Unanswerable(f"dataset {dataset.title} has no query")
    sql, found = dataset.sql, []
    for parameter in dataset.parameters:
        chosen = (each.selection for each in choices if each.keywords.get(dataset.name) == parameter.keyword)
        selection = next((each for each in chosen if each), None) or default_of(parameter, now)
        if not selection:
            raise Unanswerable(f"parameter {parameter.keyword} of dataset {dataset.title} has no value: choose one")
        sql, values = _set(sql, parameter, selection)
        found += values
    return sql, tuple(found)


def _set(sql: str, parameter: Parameter, selection: Selection) -> tuple[str, list[tuple[str, str, str]]]:
    name, kind = parameter.keyword, _TYPES.get(parameter.data_type, "STRING")
    if parameter.complex_type == "RANGE":
        ends = [(f"{name}_{end}", value) for end, value in (("min", selection.low), ("max", selection.high))]
        sql = re.sub(rf":{re.escape(name)}\.(min|max)\b", rf":{name}_\1", sql)
        return sql, [(end, _literal(value, kind), kind) for end, value in ends]
    values = selection.values or (selection.low,)
    if parameter.complex_type == "MULTI":
        several = [(f"{name}_{number}", value) for number, value in enumerate(values)]
        array = "array(" + ", ".join(f":{each}" for each, _ in several) + ")"
        return re.sub(rf":{re.escape(name)}\b", array, sql), [(each, _literal(v, kind), kind) for each, v in several]
    return sql, [(name, _literal(values[0], kind), kind)]


def _literal(value: str, kind: str) -> str:
    return value[:10] if kind == "DATE" else value


def _conditions(dataset: Dataset, choices: Sequence[Choice]) -> tuple[list[str], tuple[tuple[str, str, str], ...]]:
    """Filters as conditions; values are parameters, so that nothing in an address becomes SQL."""
    conditions, parameters = [], []
    for number, choice in enumerate(choices):
        if dataset.name not in choice.columns or not choice.selection:
            continue
        column = _sql(_expression(choice.columns[dataset.name]))
        for condition, name, value in _comparisons(column, f"filter_{number}", choice):
            conditions.append(condition)
            parameters += [(name, value, "STRING")] if name else []
        if choice.selection.values:
            names = [(f"filter_{number}_{index}", value) for index, value in enumerate(choice.selection.values)]
            conditions.append(f"CAST({column} AS STRING) IN ({', '.join(f':{name}' for name, _ in names)})")
            parameters += [(name, value, "STRING") for name, value in names]
    return conditions, tuple(parameters)


def _comparisons(column: str, name: str, choice: Choice) -> Iterator[tuple[str, str, str]]:
    """The ends of a range; an end that is a day includes the whole of it."""
    kind = "TIMESTAMP" if choice.widget.kind == "filter-date-range-picker" else "DOUBLE"
    low, high = choice.selection.low, choice.selection.high
    if low:
        yield f"{column} >= CAST(:{name}_min AS {kind})", f"{name}_min", low
    if high and _DAY.fullmatch(high):
        yield f"{column} < CAST(:{name}_max AS {kind}) + INTERVAL 1 DAY", f"{name}_max", high
    elif high:
        yield f"{column} <= CAST(:{name}_max AS {kind})", f"{name}_max", high


def _expression(text: str) -> exp.Expr:
    try:
        parsed = sqlglot.parse_one(text, dialect="databricks")
    except SqlglotError as error:
        raise Unanswerable(f"the expression {text} does not parse") from error
    return parsed.transform(_translated)


def _translated(node: exp.Expr) -> exp.Expr:
    """What dashboards write otherwise than SQL: COUNT(`*`), and bins of a width."""
    if isinstance(node, exp.Column) and node.name == "*":
        return exp.Star()
    if not isinstance(node, exp.Anonymous):
        return node
    name, arguments = node.name.lower(), list(node.expressions)
    if name == "measure":
        raise Unanswerable("MEASURE, of metric views: the local workspace has none")
    if name not in ("bin_floor", "bin") or len(arguments) != 2:
        return node
    column, width = arguments
    if isinstance(width, exp.EQ):
        if width.this.name.lower() != "binwidth":
            raise Unanswerable(f"{node.sql()}: the local workspace knows bins by their width only")
        width = width.expression
    return exp.Mul(this=exp.Floor(this=exp.Div(this=column.copy(), expression=width.copy())), expression=width.copy())


def _is_aggregate(node: exp.Expr) -> bool:
    return any(
        isinstance(each, exp.AggFunc) or (isinstance(each, exp.Anonymous) and each.name.lower() in _AGGREGATES)
        for each in node.walk()
    )


def _sql(node: exp.Expr) -> str:
    return node.sql(dialect="databricks")


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
