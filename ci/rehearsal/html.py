"""The report as one page: no script, nothing loaded from anywhere, every text escaped."""

from __future__ import annotations

from functools import cache
from typing import Any

from ci.rehearsal import charts, words
from ci.rehearsal.model import Rehearsal


def page(found: Rehearsal) -> str:
    """The whole page; what comes from the change shows as text, whatever it is."""
    models = [(pair, charts.intervals(pair)) for pair in found.models]
    text: str = _template().render(
        found=found,
        words=words,
        models=models,
        durations=charts.durations(found),
        course=charts.course(found),
        width=charts.WIDTH,
    )
    return text


@cache
def _template() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("ci.rehearsal", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("rehearsal.html")
