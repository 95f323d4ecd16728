"""docs/marketplace-comparison.md: what each tool keeps of the same models, and what it takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.benchmarks.harness import machine
from tests.support.marketplace_comparison import ASPECTS, Kept
from tests.support.marketplace_content import MANY, SPECIAL
from tests.support.marketplace_sides import Moved

PATH = Path(__file__).parents[2] / "docs/marketplace-comparison.md"


_INTRODUCTION = """\
The same content for everyone: {models} models with {versions} versions each (every version with a run of its own, 50
steps of two metrics, five artifacts and a random forest; half of the models small, half large), and {special} models of
special cases: {many} versions; two versions on one run; two models logged in one run; an artifact path that holds the
word "models". One comparison (`tests/support/marketplace_comparison.py`) reads both servers by MLflow's own client and
goes through the source's versions: what never arrived counts as lost. A version of the hub is taken for the source's if
its model is the same, byte for byte.
"""
_DOUBLED = '"doubled" and "runs doubled" count the models that have no more versions, or runs, than their origin.'


@dataclass(frozen=True)
class Column:
    """One tool on one server: what it took, and what it kept."""

    title: str
    moved: Moved
    kept: Kept


def write(columns: Sequence[Column], models: int, versions: int) -> None:
    """Replaces the document."""
    PATH.write_text(document(columns, models, versions))


def document(columns: Sequence[Column], models: int, versions: int) -> str:
    """The page; losses are listed below the table with the first version that shows each."""
    head = ["", *(column.title for column in columns)]
    lines = [
        "# What arrives: the marketplace and mlflow-export-import",
        "",
        "Written by `make bench ONLY=marketplace`.",
        "",
        f"Measured on {datetime.now(UTC):%Y-%m-%d}: {machine()}.",
        "",
        *_INTRODUCTION.format(models=models, versions=versions, special=len(SPECIAL), many=MANY).splitlines(),
        "",
        f"| {' | '.join(head)} |",
        f"|{'---|' * len(head)}",
    ]
    for aspect in ASPECTS:
        lines.append(f"| {aspect} | {' | '.join(_cell(column.kept, aspect) for column in columns)} |")
    for name, of in _COSTS.items():
        lines.append(f"| {name} | {' | '.join(of(column.moved) for column in columns)} |")
    lines += ["", _DOUBLED, ""]
    for column in columns:
        lines += [f"**{column.title}** lost first:", ""] if column.kept.lost else []
        lines += [f"- {aspect}: {where}" for aspect, where in column.kept.lost.items()]
        lines += [""] if column.kept.lost else []
    return "\n".join(lines).rstrip() + "\n"


def _cell(kept: Kept, aspect: str) -> str:
    return f"{kept.kept[aspect]} of {kept.of[aspect]}"


_COSTS: dict[str, Callable[[Moved], str]] = {
    "seconds, export": lambda moved: f"{moved.exported.seconds:.1f}",
    "seconds, import": lambda moved: f"{moved.imported.seconds:.1f}",
    "CPU seconds of the tool": lambda moved: f"{moved.exported.cpu_seconds + moved.imported.cpu_seconds:.1f}",
    "CPU seconds of tool and servers": lambda moved: f"{moved.cpu_seconds:.1f}",
    "requests, export": lambda moved: str(moved.exported.requests),
    "requests, import": lambda moved: str(moved.imported.requests),
    "MB between the two": lambda moved: f"{moved.stored / 1e6:.1f}",
    "peak memory, GB": lambda moved: f"{moved.peak_gb:.2f}",
}
