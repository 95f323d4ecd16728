"""A dashboard made ready to be shown: one tile for each widget, in its place on the grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from infra.workspace.dashboards import charts, tables
from infra.workspace.dashboards.definition import Definition, Page, Query, Widget
from infra.workspace.dashboards.drawing import Size, Undrawable
from infra.workspace.dashboards.filters import Address, Choice, choices, query_of
from infra.workspace.dashboards.queries import Asked, Unanswerable, asked, asked_for_values
from infra.workspace.dashboards.results import Outcome, Problem, Result, Runner
from infra.workspace.dashboards.texts import markdown

_WIDTH = 1340  # pixels of a page's grid
_ROW = 74
_GAP = 12
_FRAME = 28  # a tile's padding, left and right together
_TITLE = 34
_MOST_VALUES = 200


@dataclass(frozen=True)
class Tile:
    """One widget, drawn.

    `form` says what it became: chart or text (`html`), counter, table, filter (`choice`), problem (`message`), or
    empty, which is a chart without rows.
    """

    widget: Widget
    form: str
    html: str = ""
    message: str = ""
    counter: tables.Counter | None = None
    table: tables.Table | None = None
    choice: Choice | None = None
    offered: Sequence[str] = ()
    note: str = ""


@dataclass(frozen=True)
class Sheet:
    """One page of a dashboard."""

    page: Page
    filters: Sequence[Tile]
    """Those of pages that are for all: they stand above the grid."""
    tiles: Sequence[Tile]
    elsewhere: Sequence[tuple[str, str]] = field(default_factory=tuple)
    """Choices of the address that belong to no filter of this page, kept when its own are changed."""


def sheet(definition: Definition, page: Page, address: Address, runner: Runner, now: datetime) -> Sheet:
    """Asks what the widgets of a page need, and draws them; what fails shows in its own tile only."""
    chosen = choices(definition, page, address, now)
    shown = [each for each in definition.pages if each.is_for_all and each is not page]
    widgets = [widget for each in (*shown, page) for widget in each.widgets if each is page or widget.is_filter]
    plans: dict[int, Asked | Problem | None] = {}
    for number, widget in enumerate(widgets):
        plans[number] = _plan(definition, widget, chosen, now)
    outcomes = runner.run(plan for plan in plans.values() if isinstance(plan, Asked))
    tiles = []
    for number, widget in enumerate(widgets):
        plan = plans[number]
        outcome = outcomes[plan] if isinstance(plan, Asked) else plan
        tiles.append(_tile(widget, outcome, chosen, page.columns))
    above = len(widgets) - len(page.widgets)
    own = {name for each in chosen for name in (each.key, f"{each.key}~min", f"{each.key}~max")}
    kept = [(name, value) for name, values in address.items() if name not in own for value in values]
    return Sheet(page, tiles[:above], tiles[above:], kept)


def _plan(definition: Definition, widget: Widget, chosen: Sequence[Choice], now: datetime) -> Asked | Problem | None:
    try:
        if widget.is_filter:
            choice = next(each for each in chosen if each.widget is widget)
            query = None if choice.is_range else query_of(choice)
            if query is None or query.dataset not in definition.datasets:
                return None
            column = choice.columns[query.dataset]
            return asked_for_values(definition.datasets[query.dataset], column, now, _MOST_VALUES)
        if widget.kind == "text" or not (charts.is_chart(widget.kind) or tables.is_table(widget.kind)):
            return None
        query = _main(widget)
        if query is None:
            return Problem("the widget has no query")
        if query.dataset not in definition.datasets:
            return Problem(f"the dashboard has no dataset {query.dataset}")
        return asked(definition.datasets[query.dataset], query, chosen, now)
    except Unanswerable as error:
        return Problem(str(error))


def _main(widget: Widget) -> Query | None:
    return next((query for query in widget.queries if query.name == "main_query"), next(iter(widget.queries), None))


def _tile(widget: Widget, outcome: Outcome | None, chosen: Sequence[Choice], columns: int) -> Tile:
    if widget.kind == "text":
        return Tile(widget, "text", html=markdown(widget.text))
    if widget.is_filter:
        return _filter_tile(widget, outcome, chosen)
    if isinstance(outcome, Problem):
        return Tile(widget, "problem", message=outcome.message)
    if outcome is None:
        return Tile(widget, "problem", message=f"The local workspace does not draw widgets of type {widget.kind}.")
    try:
        return _drawn(widget, outcome, columns)
    except Undrawable as error:
        return Tile(widget, "problem", message=f"The widget cannot be drawn: {error}.")


def _drawn(widget: Widget, result: Result, columns: int) -> Tile:
    note = f"the first {len(result.rows):,} rows" if result.truncated else ""
    if widget.kind == "counter":
        return Tile(widget, "counter", counter=tables.counter(widget, result))
    if widget.kind in ("table", "pivot"):
        made = tables.table(widget, result) if widget.kind == "table" else tables.pivot(widget, result)
        return Tile(widget, "table", table=made, note=note)
    if not result.rows:
        return Tile(widget, "empty")
    return Tile(widget, "chart", html=charts.draw(widget, result, _size(widget, columns)), note=note)


def _filter_tile(widget: Widget, outcome: Outcome | None, chosen: Sequence[Choice]) -> Tile:
    choice = next(each for each in chosen if each.widget is widget)
    if isinstance(outcome, Problem):
        return Tile(widget, "filter", choice=choice, message=outcome.message)
    offered = [str(row[0]) for row in outcome.rows] if isinstance(outcome, Result) else []
    offered += [value for value in choice.selection.values if value not in offered]
    return Tile(widget, "filter", choice=choice, offered=offered)


def _size(widget: Widget, columns: int) -> Size:
    cell = (_WIDTH - (columns - 1) * _GAP) / columns
    width = widget.width * cell + (widget.width - 1) * _GAP - _FRAME
    height = widget.height * _ROW + (widget.height - 1) * _GAP - _FRAME - (_TITLE if widget.title else 0)
    return Size(max(int(width), 80), max(int(height), 60))


def values(address: Mapping[str, Any]) -> Address:
    """The parts of an address that are choices."""
    return {name: list(found) for name, found in address.items() if name.startswith("f_")}
