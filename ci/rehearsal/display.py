"""What is going on in a rehearsal, on standard error: a live list on a terminal, lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from ci import console
from ci.rehearsal.request import Progress


@contextmanager
def showing() -> Iterator[Callable[[Progress], None]]:
    """Yields what hears of the progress and shows it."""
    if not console.err.is_terminal:
        yield _line
        return
    parts = _Parts()
    with Live(get_renderable=parts.table, console=console.err, refresh_per_second=8, transient=True):
        yield parts


def _line(progress: Progress) -> None:
    if progress.seconds is None:
        return
    word = "FAILED" if progress.failed else "ok"
    console.err.print(Text(f"{word:6} {console.duration(progress.seconds):>8}  {progress.step}"))


class _Parts:
    """Every part that began, with its time."""

    def __init__(self) -> None:
        self._began: dict[str, float] = {}
        self._ended: dict[str, Progress] = {}
        self._spinner = Spinner("dots", style="cyan")

    def __call__(self, progress: Progress) -> None:
        if progress.seconds is None:
            self._began[progress.step] = time.monotonic()
        else:
            self._ended[progress.step] = progress

    def table(self) -> Table:
        table = Table(box=None, show_header=False, padding=(0, 1))
        table.add_column(width=2)
        table.add_column(no_wrap=True)
        table.add_column(justify="right", no_wrap=True)
        for step, began in list(self._began.items()):
            ended = self._ended.get(step)
            if ended is None or ended.seconds is None:
                took = console.duration(time.monotonic() - began)
                table.add_row(self._spinner, Text(step, style="bold"), took)
            else:
                mark = Text("✗", style="red") if ended.failed else Text("✓", style="green")
                table.add_row(mark, Text(step), console.duration(ended.seconds))
        return table
