"""`make bench`: all benchmarks and docs/benchmarks.md, or, with a name, one benchmark and its row as JSON."""

from __future__ import annotations

import importlib
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.benchmarks.harness import NO_GOAL, Row, machine, say

NAMES = (
    "workspace-start",
    "synth",
    "deploy",
    "catalog",
    "pipeline",
    "features",
    "scoring",
    "plan",
    "rehearse",
    "gate-500",
    "drift",
    "gate",
    "explain",
    "false-alarms",
    "marketplace",
    "marketplace-synth",
)
_TABLE = Path(__file__).parents[2] / "docs/benchmarks.md"


def main() -> None:
    only = sys.argv[1] if len(sys.argv) > 1 else ""
    if only and only not in NAMES:
        sys.exit(f"no benchmark {only!r}; there are: {', '.join(NAMES)}")
    if only:
        print(measure(only).json())
        return
    rows = [measure(name) for name in NAMES]
    _TABLE.write_text(_document(rows))
    for row in rows:
        print(row.json())


def measure(name: str) -> Row:
    say(f"{name} …")
    row: Row = _module(name).measure()
    say(f"{name}: ratio {row.ratio} (goal {row.goal}: {_verdict(row)})")
    return row


def _module(name: str) -> Any:
    return importlib.import_module(f"tests.benchmarks.{name.replace('-', '_')}")


def _verdict(row: Row) -> str:
    return "–" if row.goal == NO_GOAL else "met" if row.met else "MISSED"


def _document(rows: list[Row]) -> str:
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`. Ours and the peer ran in turn at least five times; the numbers are medians.",
        "",
        f"Measured on {datetime.now(UTC):%Y-%m-%d}: {machine()}.",
        "",
        "| benchmark | ours | peer | unit | ratio | goal | verdict | besides |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        besides = ", ".join(f"{key} {value}" for key, value in row.extra.items())
        cells = (row.name, row.ours, row.peer, row.unit, row.ratio, row.goal, _verdict(row), besides)
        lines.append(f"| {' | '.join(map(str, cells))} |")
    lines += ["", "What each one compares stands in the docstring of its module under `tests/benchmarks/`.", ""]
    for row in rows:
        if note := getattr(_module(row.name), "NOTE", ""):
            lines += [f"**{row.name}**: {' '.join(note.split())}", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
