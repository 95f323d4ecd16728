"""The revision of a dashboard that people look at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Shown:
    """What a viewer of a dashboard sees: the published revision, or the draft where there is none.

    `publisher` is the name of whoever published it, None for a draft; with `embedded` its queries run in the
    publisher's name.
    """

    dashboard_id: str
    display_name: str
    serialized: str
    warehouse_id: str
    publisher: str | None
    embedded: bool
    revised: str
