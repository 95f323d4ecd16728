"""Counters, tables and pivots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra.workspace.dashboards.definition import Json, Widget
from infra.workspace.dashboards.drawing import Undrawable
from infra.workspace.dashboards.results import Result
from infra.workspace.dashboards.texts import written, written_as

_SHOWN_ROWS = 200
_MOST_COLUMNS = 60
_KINDS = frozenset({"counter", "table", "pivot"})


@dataclass(frozen=True)
class Counter:
    value: str
    label: str
    target: str = ""
    target_label: str = ""


@dataclass(frozen=True)
class Table:
    """Headings and rows of texts; `numeric` says which columns are to be aligned to the right.

    `shade` gives a cell's place between the smallest and the largest value (0 to 1), where a pivot is coloured.
    """

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    numeric: Sequence[bool]
    left_out: int = 0
    shade: Sequence[Sequence[float | None]] = ()


def is_table(kind: str) -> bool:
    return kind in _KINDS


def counter(widget: Widget, result: Result) -> Counter:
    """The first row's value, and the target beside it where there is one."""
    value, label = _single(widget.encoding("value"), result)
    target = widget.encoding("target")
    if not target.get("fieldName"):
        return Counter(value, label)
    return Counter(value, label, *_single(target, result))


def table(widget: Widget, result: Result) -> Table:
    columns = [each for each in widget.encodings("columns") if each.get("visible", True)]
    columns.sort(key=lambda each: each["order"] if isinstance(each.get("order"), int) else 0)
    columns = columns or [{"fieldName": name} for name in result.names]
    names = [_name(each, result) for each in columns]
    kinds = [result.kind(name) for name in names]
    shown = list(zip(*(result.values(name) for name in names), strict=True))[:_SHOWN_ROWS]
    rows = [
        [_cell(value, kind, column) for value, kind, column in zip(row, kinds, columns, strict=True)] for row in shown
    ]
    headings = [str(each.get("title") or each.get("displayName") or each.get("fieldName")) for each in columns]
    return Table(headings, rows, [kind == "number" for kind in kinds], len(result.rows) - len(rows))


def pivot(widget: Widget, result: Result) -> Table:
    """Rows by columns, with the first value of each pair of keys in its cell."""
    row_names = [_name(each, result) for each in widget.encodings("rows")]
    column_names = [_name(each, result) for each in widget.encodings("columns")]
    measured = widget.encodings("cell") or widget.encodings("values")
    if not row_names or not measured:
        raise Undrawable("a pivot needs fields for its rows and its cells")
    measure = measured[0]
    cells: dict[tuple[str, ...], dict[str, Any]] = {}
    across: dict[str, None] = {}
    values = result.values(_name(measure, result))
    for row, column, value in zip(_keys(row_names, result), _keys(column_names, result), values, strict=True):
        heading = " · ".join(column) or str(measure.get("displayName") or measure.get("fieldName"))
        across.setdefault(heading)
        cells.setdefault(row, {}).setdefault(heading, value)
    headings, kind = sorted(across)[:_MOST_COLUMNS], result.kind(_name(measure, result))
    keys = sorted(cells)[:_SHOWN_ROWS]
    rows = [[*key, *(_cell(cells[key].get(each), kind, measure) for each in headings)] for key in keys]
    numbers = [cells[key].get(each) for key in keys for each in headings]
    shade = [
        [*(None for _ in row_names), *(_place(cells[key].get(each), numbers) for each in headings)] for key in keys
    ]
    numeric = [False] * len(row_names) + [kind == "number"] * len(headings)
    is_coloured = measure.get("cellType") == "color-scale"
    return Table([*row_names, *headings], rows, numeric, len(cells) - len(keys), shade if is_coloured else ())


def _single(encoding: Json, result: Result) -> tuple[str, str]:
    name = _name(encoding, result)
    number = encoding.get("rowNumber")
    index = number - 1 if isinstance(number, int) and number > 0 else 0
    found = result.values(name)
    value = found[index] if index < len(found) else None
    format = encoding.get("format")
    text = written(value, result.kind(name), format if isinstance(format, Mapping) else None)
    return text, str(encoding.get("displayName") or name)


def _cell(value: Any, kind: str, column: Json) -> str:
    format = column.get("format")
    if isinstance(format, Mapping):
        return written(value, kind, format)
    return written_as(value, kind, str(column.get("numberFormat") or ""))


def _keys(names: Sequence[str], result: Result) -> list[tuple[str, ...]]:
    columns = [[written(value, result.kind(name)) for value in result.values(name)] for name in names]
    return list(zip(*columns, strict=True)) if columns else [()] * len(result.rows)


def _place(value: Any, among: Sequence[Any]) -> float | None:
    numbers = [each for each in among if isinstance(each, int | float)]
    if not isinstance(value, int | float) or not numbers:
        return None
    low, high = min(numbers), max(numbers)
    return (value - low) / (high - low) if high > low else 0.5


def _name(encoding: Json, result: Result) -> str:
    name = str(encoding.get("fieldName") or "")
    if name not in result.names:
        raise Undrawable(f"its query has no field {name or '(none is named)'}, only {', '.join(result.names)}")
    return name
