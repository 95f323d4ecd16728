"""The page: sections of charts and tables put into one HTML text that needs nothing beside it."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

_TEMPLATE = "page.html"
_SCRIPT = "filter.js"


@dataclass(frozen=True)
class Link:
    """A cell or a way up that leads somewhere; the address is relative to the page, or a whole one."""

    text: str
    address: str

    def __html__(self) -> str:
        """What the template puts in: both parts are escaped here, and nothing but pages can be led to."""
        scheme, colon, _ = self.address.partition(":")
        if colon and "/" not in scheme and scheme not in ("https", "http"):
            return escape(self.text)
        return f'<a href="{escape(self.address)}">{escape(self.text)}</a>'


@dataclass(frozen=True)
class Label:
    """A cell that is coloured by its mood: good, bad or empty."""

    text: str
    mood: str = ""

    def __html__(self) -> str:
        """What the template puts in, escaped."""
        return f'<span class="label {escape(self.mood)}">{escape(self.text)}</span>'


@dataclass(frozen=True)
class Bar:
    """A cell with a number and a bar whose length is its share of the most that there is."""

    text: str
    share: float

    def __html__(self) -> str:
        """What the template puts in, escaped."""
        width = 100 * min(max(self.share, 0.0), 1.0)
        return f'<span class="bar"><i style="width: {width:.1f}%"></i></span> {escape(self.text)}'


Cell = str | Link | Label | Bar


@dataclass(frozen=True)
class Part:
    """A chart, a table, commands or a document of a section, with a title and a sentence if it needs them."""

    title: str = ""
    words: str = ""
    svg: str = ""
    head: Sequence[str] = ()
    rows: Sequence[Sequence[Cell]] = ()
    search: str = ""
    """What stands in the table's search box; without it there is none."""
    code: str = ""
    document: str = ""
    """A whole HTML page of somebody else's, shown in a frame of its own where it can do nothing."""


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
    up: Link | None = None

    def html(self) -> str:
        """As text; every value is escaped, charts alone are not. The only script is the search's, named by its hash."""
        searched = any(part.search for section in self.sections for part in section.parts)
        script = _script() if searched else ""
        return str(_template().render(**vars(self), script=script, policy=policy(script)))


def policy(script: str = "") -> str:
    """What a page may do, as its Content-Security-Policy: styles and pictures of its own, one script or none."""
    allowed = f"; script-src '{script_hash(script)}'" if script else ""
    return f"default-src 'none'; style-src 'unsafe-inline'; img-src data:{allowed}; base-uri 'none'; form-action 'none'"


def script_hash(script: str) -> str:
    """The hash by which a policy names an inline script."""
    return f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}"


@cache
def _template() -> Any:
    import jinja2

    folder = jinja2.FileSystemLoader(_folder())
    environment = jinja2.Environment(loader=folder, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.get_template(_TEMPLATE)


@cache
def _script() -> str:
    return (_folder() / _SCRIPT).read_text(encoding="utf-8")


def _folder() -> Path:
    return Path(_folder.__code__.co_filename).parent
