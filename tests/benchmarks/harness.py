"""Ours and the peer, in turn, on the same machine in the same run; medians and their ratio."""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

ROUNDS = 5
NO_GOAL = "none set"


@dataclass(frozen=True)
class Row:
    """One line of docs/benchmarks.md; `ratio` is ours/peer in time, or ours/peer in speed, as its goal says."""

    name: str
    ours: float
    peer: float
    ratio: float
    unit: str
    goal: str
    met: bool
    extra: dict[str, Any] = field(default_factory=dict)

    def json(self) -> str:
        flat = asdict(self)
        return json.dumps({**{key: value for key, value in flat.items() if key != "extra"}, **self.extra})


def alternate(
    ours: Callable[[], float], peer: Callable[[], float], rounds: int = ROUNDS
) -> tuple[list[float], list[float]]:
    """Runs both `rounds` times in turn, so that a machine whose speed drifts treats both alike."""
    mine: list[float] = []
    theirs: list[float] = []
    for turn in range(1, rounds + 1):
        mine.append(ours())
        theirs.append(peer())
        say(f"  round {turn}/{rounds}: ours {mine[-1]:.4g}, peer {theirs[-1]:.4g}")
    return mine, theirs


def at_most(name: str, goal: float, unit: str, mine: list[float], theirs: list[float], **extra: Any) -> Row:
    """A row whose goal is a share of the peer's time."""
    return _row(name, unit, mine, theirs, f"at most {goal:g}", lambda ratio: ratio <= goal, extra)


def at_least(name: str, goal: float, unit: str, mine: list[float], theirs: list[float], **extra: Any) -> Row:
    """A row whose goal is a multiple of the peer's speed."""
    return _row(name, unit, mine, theirs, f"at least {goal:g}", lambda ratio: ratio >= goal, extra)


def compared(name: str, unit: str, mine: list[float], theirs: list[float], **extra: Any) -> Row:
    """A row of speeds for which no goal was set."""
    return _row(name, unit, mine, theirs, NO_GOAL, lambda ratio: True, extra)


def _row(
    name: str,
    unit: str,
    mine: list[float],
    theirs: list[float],
    goal: str,
    met: Callable[[float], bool],
    extra: dict[str, Any],
) -> Row:
    ours, peer = statistics.median(mine), statistics.median(theirs)
    return Row(name, round(ours, 4), round(peer, 4), round(ours / peer, 4), unit, goal, met(ours / peer), extra)


def compiled(folder: Path) -> dict[str, str]:
    """An environment in which Python keeps compiled modules, as it does where nobody told it not to.

    Both sides of a benchmark run in it once, off the clock, so that neither compiles while it is measured.
    """
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": str(folder)}


def uncompiled(folder: Path) -> dict[str, str]:
    """An environment in which Python finds no compiled modules and keeps none; `folder` stays empty."""
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPYCACHEPREFIX": str(folder)}


def seconds(action: Callable[[], Any]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def say(text: str) -> None:
    """Progress goes to standard error: the last line of standard output is the row."""
    print(text, file=sys.stderr, flush=True)


def machine() -> str:
    """What the numbers were measured on."""
    cpu = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.processor(),
    )
    memory = int(Path("/proc/meminfo").read_text().split()[1]) / 2**20
    system = f"Python {platform.python_version()}, {platform.system()} {platform.release()}"
    return f"{os.cpu_count()} cores ({cpu}), {memory:.0f} GiB, {system}"
