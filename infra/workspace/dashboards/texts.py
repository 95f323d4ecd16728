"""Values as a dashboard writes them, and the markdown of its text boxes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

_STEPS = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K"))
_PLACES = re.compile(r"\.(0*)(#*)")


def written(value: Any, kind: str, format: Mapping[str, Any] | None = None) -> str:
    """A value of a result as text; a dash where there is none.

    `format` is a widget's: `number-percent`, `number-currency` or `number-plain`, with decimal places and abbreviation.
    """
    if value is None:
        return "–"
    if kind in ("time", "date"):
        return moment(value, kind)
    if kind != "number":
        return str(value)
    return _number(value, format or {})


def moment(milliseconds: int, kind: str) -> str:
    """A time in UTC; of a date its day only."""
    found = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return found.strftime("%Y-%m-%d" if kind == "date" else "%Y-%m-%d %H:%M:%S" if found.second else "%Y-%m-%d %H:%M")


def written_as(value: Any, kind: str, pattern: str) -> str:
    """A number by a table column's pattern such as `0,0.00` or `0.0%`; anything else as `written`."""
    if kind != "number" or value is None or not pattern:
        return written(value, kind)
    found = _PLACES.search(pattern)
    places = len(found[1] + found[2]) if found else 0
    is_percent = pattern.endswith("%")
    separator = "," if "," in pattern else ""
    return f"{value * 100 if is_percent else value:{separator}.{places}f}{'%' if is_percent else ''}"


def markdown(text: str) -> str:
    """HTML of a text in markdown: no HTML of its own passes, and links lead nowhere but to addresses."""
    html: str = _markdown().render(text)
    return html


def _number(value: float, format: Mapping[str, Any]) -> str:
    kind = str(format.get("type") or "")
    places = format.get("decimalPlaces")
    limit = places.get("places") if isinstance(places, Mapping) else None
    is_exact = isinstance(places, Mapping) and places.get("type") == "exact"
    suffix = ""
    if kind == "number-percent":
        value, suffix = value * 100, "%"
    elif format.get("abbreviation") == "compact":
        value, suffix = next(((value / size, mark) for size, mark in _STEPS if abs(value) >= size), (value, ""))
    text = _rounded(value, limit if isinstance(limit, int) else None, is_exact)
    currency = format.get("currencyCode")
    return f"{text}{suffix} {currency}" if kind == "number-currency" and currency else f"{text}{suffix}"


def _rounded(value: float, places: int | None, is_exact: bool) -> str:
    if places is None:
        return f"{value:,}" if isinstance(value, int) else _significant(value)
    text = f"{value:,.{min(max(places, 0), 10)}f}"
    return text if is_exact or "." not in text else text.rstrip("0").rstrip(".")


def _significant(value: float) -> str:
    """Four digits that count, and every digit before the point."""
    if value == 0 or 1e-4 <= abs(value) < 1e15:
        digits = 0 if value == 0 else max(0, 4 - len(str(int(abs(value))))) if abs(value) >= 1 else None
        text = f"{value:,.{digits}f}" if digits is not None else f"{value:.4g}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return f"{value:.3e}"


@cache
def _markdown() -> Any:
    # Imported for the first text box: API clients never pay for it.
    from markdown_it import MarkdownIt

    return MarkdownIt("js-default")
