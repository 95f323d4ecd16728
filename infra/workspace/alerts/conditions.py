"""Whether a query's result meets an alert's condition."""

from __future__ import annotations

import math
import operator
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Value = int | float | bool | str | None

_WHOLE = frozenset({"BYTE", "SHORT", "INT", "LONG", "TINYINT", "SMALLINT", "BIGINT"})
_FRACTIONS = frozenset({"FLOAT", "DOUBLE", "DECIMAL"})
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "EQUAL": operator.eq,
    "NOT_EQUAL": operator.ne,
    "GREATER_THAN": operator.gt,
    "GREATER_THAN_OR_EQUAL": operator.ge,
    "LESS_THAN": operator.lt,
    "LESS_THAN_OR_EQUAL": operator.le,
}


class Unanswerable(Exception):
    """The condition cannot be applied to this result; the text says why."""


@dataclass(frozen=True)
class Result:
    """A query's result as the Statement Execution API gives it: every value is a string or null."""

    columns: Sequence[Mapping[str, Any]]
    rows: Sequence[Sequence[str | None]]

    def values(self, name: str) -> list[Value]:
        """A column's values in their own types; the name in any case, as in SQL."""
        names = [str(column["name"]) for column in self.columns]
        found = [at for at, each in enumerate(names) if each.casefold() == name.casefold()]
        if not found:
            raise Unanswerable(f"the query's result has no column '{name}'; it has: {', '.join(names) or 'none'}")
        kind = str(self.columns[found[0]].get("type_name", "")).upper()
        return [_typed(row[found[0]], kind) for row in self.rows]


@dataclass(frozen=True)
class Finding:
    """An evaluation's outcome: OK, TRIGGERED or the state for empty results, with the two sides that were compared."""

    state: str
    value: Value = None
    threshold: Value = None


def judge(evaluation: Mapping[str, Any], result: Result) -> Finding:
    """Applies the condition; a null meets none but IS_NULL. Raises Unanswerable.

    An empty result has the state that the alert names for it, UNKNOWN where it names none.
    """
    if not result.rows:
        return Finding(str(evaluation.get("empty_result_state") or "UNKNOWN"))
    value = _operand(evaluation["source"], result)
    comparison = str(evaluation["comparison_operator"])
    if comparison in ("IS_NULL", "IS_NOT_NULL"):
        return Finding("TRIGGERED" if (value is None) == (comparison == "IS_NULL") else "OK", value)
    threshold = _threshold(evaluation["threshold"], result)
    met = value is not None and threshold is not None and _compare(comparison, value, threshold)
    return Finding("TRIGGERED" if met else "OK", value, threshold)


def _threshold(threshold: Mapping[str, Any], result: Result) -> Value:
    if threshold.get("column"):
        return _operand(threshold["column"], result)
    found: Value = next(iter(threshold["value"].values()))
    return found


def _operand(column: Mapping[str, Any], result: Result) -> Value:
    """The first row's value, or the aggregate of all rows; nulls count for nothing."""
    values = result.values(column["name"])
    aggregation = column.get("aggregation")
    if not aggregation:
        return values[0]
    present = [value for value in values if value is not None]
    if aggregation == "COUNT":
        return len(present)
    if aggregation == "COUNT_DISTINCT":
        return len(set(present))
    if not present:
        return None
    if aggregation in ("MIN", "MAX"):
        return min(present, key=_rank) if aggregation == "MIN" else max(present, key=_rank)
    numbers = [value for value in present if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) < len(present):
        raise Unanswerable(f"{aggregation} of column '{column['name']}' needs numbers")
    try:
        return _AGGREGATIONS[aggregation](numbers)
    except OverflowError as error:
        raise Unanswerable(f"{aggregation} of column '{column['name']}' is too large a number") from error


def _rank(value: Value) -> Any:
    """Order within a column; NaN is the largest number, as in Spark."""
    is_nan = isinstance(value, float) and math.isnan(value)
    return (is_nan, 0 if is_nan else value)


def _deviation(numbers: list[int | float]) -> float | None:
    """The sample's standard deviation; of a single row there is none."""
    if len(numbers) == 1:
        return None
    mean = sum(numbers) / len(numbers)
    return math.sqrt(sum((each - mean) ** 2 for each in numbers) / (len(numbers) - 1))


_AGGREGATIONS: dict[str, Callable[[list[int | float]], Value]] = {
    "SUM": sum,
    "AVG": lambda numbers: sum(numbers) / len(numbers),
    "MEDIAN": statistics.median,
    "STDDEV": _deviation,
}


def _compare(comparison: str, value: Value, threshold: Value) -> bool:
    left, right = _alike(value, threshold)
    return _COMPARISONS[comparison](left, right)


def _alike(value: Value, threshold: Value) -> tuple[Value, Value]:
    """Both sides in one type: a text that reads as a number may meet a number."""
    if isinstance(value, bool) == isinstance(threshold, bool) and isinstance(value, str) == isinstance(threshold, str):
        return value, threshold
    if not isinstance(value, bool) and not isinstance(threshold, bool):
        try:
            return float(value or 0), float(threshold or 0)
        except ValueError:
            pass
    raise Unanswerable(f"{value!r} cannot be compared with the threshold {threshold!r}")


def _typed(text: str | None, kind: str) -> Value:
    if text is None:
        return None
    if kind in _WHOLE:
        return int(text)
    if kind in _FRACTIONS:
        return float(text)
    return text == "true" if kind == "BOOLEAN" else text
