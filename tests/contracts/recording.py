"""What was recorded between the real provider and a workspace; see README.md for how."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DATA = Path(__file__).with_name("data")


@dataclass(frozen=True)
class Exchange:
    """One request of the provider and the answer that it went on with."""

    where: str
    """File and line of the recording."""
    caller: str
    """"admin", or the display name of the service principal that sent it."""
    method: str
    path: str
    """With the query, exactly as sent."""
    content_type: str
    body: Any
    status: int
    response: Any
    """None where the answer had no body."""


def scenarios() -> list[str]:
    return sorted(folder.name for folder in DATA.iterdir())


def exchanges(scenario: str) -> Iterator[Exchange]:
    """All exchanges of a scenario, phase after phase, in the order in which they were sent."""
    for file in sorted((DATA / scenario).glob("*.json")):
        for line, each in enumerate(json.loads(file.read_text(encoding="utf-8")), start=2):
            yield Exchange(
                where=f"{scenario}/{file.name}:{line}",
                caller=each["as"],
                method=each["method"],
                path=each["path"],
                content_type=each.get("type", "application/json"),
                body=each.get("body"),
                status=each["status"],
                response=each.get("response"),
            )
