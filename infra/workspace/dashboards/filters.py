"""What a viewer has chosen in the filter widgets, and which datasets that concerns.

A choice is in the page's address: `f_<page>~<widget>=<value>`, several times for several values; a range as
`f_<page>~<widget>~min=…` and `~max=…`. Without one the widget's default counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from infra.workspace.dashboards.definition import Definition, Json, Page, Parameter, Query, Widget
from infra.workspace.dashboards.relative_time import resolved

Address = Mapping[str, Sequence[str]]
_RANGES = frozenset({"filter-date-range-picker", "range-slider"})


@dataclass(frozen=True)
class Selection:
    """The chosen values, or the ends of the chosen range; empty ends are open."""

    values: tuple[str, ...] = ()
    low: str = ""
    high: str = ""

    def __bool__(self) -> bool:
        return bool(self.values or self.low or self.high)


@dataclass(frozen=True)
class Choice:
    """One filter widget with what is chosen in it.

    `columns` are the expressions that it filters, by dataset; `keywords` the parameters that it sets, by dataset.
    """

    key: str
    widget: Widget
    is_range: bool
    selection: Selection
    columns: Mapping[str, str]
    keywords: Mapping[str, str]


def choices(definition: Definition, page: Page, address: Address, now: datetime) -> list[Choice]:
    """What counts on a page: its own filters, and those of pages that are for all."""
    return [
        _choice(definition, each, widget, address, now)
        for each in definition.pages
        if each is page or each.is_for_all
        for widget in each.widgets
        if widget.is_filter
    ]


def default_of(parameter: Parameter, now: datetime) -> Selection:
    return _selection(parameter.default, now)


def _choice(definition: Definition, page: Page, widget: Widget, address: Address, now: datetime) -> Choice:
    key = f"f_{page.name}~{widget.name}"
    is_range = widget.kind in _RANGES
    columns: dict[str, str] = {}
    keywords: dict[str, str] = {}
    by_name = {query.name: query for query in widget.queries}
    for encoding in widget.encodings("fields"):
        query = by_name.get(str(encoding.get("queryName"))) or next(iter(widget.queries), None)
        if query is None:
            continue
        if encoding.get("parameterName"):
            keywords[query.dataset] = str(encoding["parameterName"])
        elif encoding.get("fieldName") in query.fields:
            columns[query.dataset] = query.fields[str(encoding["fieldName"])]
    chosen = _from_address(key, is_range, address)
    if chosen is None:
        chosen = _default(definition, widget, keywords, now)
    return Choice(key, widget, is_range, chosen, columns, keywords)


def _from_address(key: str, is_range: bool, address: Address) -> Selection | None:
    """None where the address says nothing of the widget; an empty value says: everything."""
    if is_range:
        ends = [address.get(f"{key}~{end}") for end in ("min", "max")]
        if ends == [None, None]:
            return None
        low, high = (end[0] if end else "" for end in ends)
        return Selection(low=low, high=high)
    if key not in address:
        return None
    return Selection(tuple(value for value in address[key] if value))


def _default(definition: Definition, widget: Widget, keywords: Mapping[str, str], now: datetime) -> Selection:
    selection = widget.spec.get("selection")
    given = selection.get("defaultSelection") if isinstance(selection, Mapping) else None
    if isinstance(given, Mapping):
        return _selection(given, now)
    for dataset, keyword in keywords.items():
        for parameter in definition.datasets[dataset].parameters if dataset in definition.datasets else ():
            if parameter.keyword == keyword:
                return default_of(parameter, now)
    return Selection()


def _selection(given: Json, now: datetime) -> Selection:
    values, span = given.get("values"), given.get("range")
    if isinstance(span, Mapping):
        return Selection(low=_value(span.get("min"), now), high=_value(span.get("max"), now))
    if isinstance(values, Mapping) and isinstance(values.get("values"), list):
        return Selection(tuple(text for each in values["values"] if (text := _value(each, now))))
    return Selection()


def _value(given: object, now: datetime) -> str:
    value = given.get("value") if isinstance(given, Mapping) else given
    return "" if value is None else resolved(str(value), now)


def query_of(choice: Choice) -> Query | None:
    """The query that lists what can be chosen; None for ranges and for parameters, which are free."""
    return next((query for query in choice.widget.queries if query.dataset in choice.columns), None)
