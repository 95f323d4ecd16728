"""What a card is made of: sections of texts, tables, lists, pictures and commands, whatever they are rendered as."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Part:
    """One thing on the card; `kind` says which of the fields it uses."""

    kind: Literal["text", "table", "bullets", "picture", "code"]
    text: str = ""
    head: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    png: bytes = b""
    path: str = ""


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it."""

    title: str
    parts: Sequence[Part] = field(default_factory=tuple)


def text(words: str) -> Part:
    """A paragraph."""
    return Part("text", words)


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> Part:
    """A table; None is shown as a dash, numbers with four digits."""
    return Part("table", head=head, rows=[[shown(cell) for cell in row] for row in rows])


def bullets(items: Sequence[str]) -> Part:
    """A list."""
    return Part("bullets", rows=[[item] for item in items])


def picture(png: bytes, path: str, words: str) -> Part:
    """A PNG, where the run has it, and what it shows."""
    return Part("picture", words, png=png, path=path)


def code(lines: str) -> Part:
    """Commands or rules, shown as they are."""
    return Part("code", lines)


def shown(value: Any) -> str:
    """A cell's text."""
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value)


def estimate(raw: dict[str, Any] | None) -> str:
    """An estimate of a JSON file with its interval."""
    if raw is None or raw["value"] is None:
        return "–"
    if raw["low"] is None:
        return f"{raw['value']:.3f}"
    return f"{raw['value']:.3f} [{raw['low']:.3f}, {raw['high']:.3f}]"
