"""The page: sections of charts and tables put into one HTML text that needs nothing beside it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import jinja2

_TEMPLATE = "page.html"


@dataclass(frozen=True)
class Part:
    """A chart or a table of a section, with a title and a sentence if it needs them."""

    title: str = ""
    words: str = ""
    svg: str = ""
    head: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()


@dataclass(frozen=True)
class Section:
    """A section; without parts it says in its words why there is nothing to see."""

    id: str
    title: str
    words: str
    parts: Sequence[Part] = ()


@dataclass(frozen=True)
class Card:
    """One number at the top; mood is good, bad or empty."""

    title: str
    value: str
    note: str = ""
    mood: str = ""


@dataclass(frozen=True)
class Page:
    """A whole report."""

    title: str
    subtitle: str
    footer: str
    cards: Sequence[Card] = field(default_factory=tuple)
    sections: Sequence[Section] = field(default_factory=tuple)

    def html(self) -> str:
        """As text; every value is escaped, charts alone are not."""
        folder = jinja2.FileSystemLoader(Path(_here()).parent)
        environment = jinja2.Environment(loader=folder, autoescape=True, trim_blocks=True, lstrip_blocks=True)
        return environment.get_template(_TEMPLATE).render(**vars(self))


def _here() -> str:
    return _here.__code__.co_filename
