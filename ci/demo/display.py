"""The progress of steps: a live list on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from ci import console
from ci.demo.steps import Outcome, Step

_NOTE_WIDTH = 60


class LiveDisplay:
    """Every step on a line: what is done, what is under way and what is to come."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._titles = [step.title for step in steps]
        self._outcomes: dict[int, Outcome] = {}
        self._now = -1
        self._since = 0.0
        self._note = ""
        self._spinner = Spinner("dots", style="cyan")
        self._live = Live(get_renderable=self._table, console=console.out, refresh_per_second=8, transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def started(self, index: int) -> None:
        self._now, self._since, self._note = index, time.monotonic(), ""

    def progress(self, index: int, line: str) -> None:
        self._note = line

    def ended(self, index: int, outcome: Outcome) -> None:
        self._outcomes[index] = outcome
        self._now = -1

    def _table(self) -> Table:
        table = Table(box=None, show_header=False, padding=(0, 1))
        table.add_column(width=2)
        table.add_column(no_wrap=True)
        table.add_column(justify="right", no_wrap=True)
        table.add_column(no_wrap=True, overflow="ellipsis")
        for index, title in enumerate(self._titles):
            table.add_row(*self._row(index, title))
        return table

    def _row(self, index: int, title: str) -> tuple[RenderableType, ...]:
        outcome = self._outcomes.get(index)
        if outcome is not None:
            mark = Text("✗", style="red") if outcome.failed else Text("✓", style="green")
            return mark, title, console.duration(outcome.seconds), Text(_first_line(outcome.result), style="dim")
        if index == self._now:
            seconds = console.duration(time.monotonic() - self._since)
            return self._spinner, Text(title, style="bold"), seconds, Text(self._note[:_NOTE_WIDTH], style="cyan")
        return "", Text(title, style="dim"), "", ""


class LineDisplay:
    """A line when a step begins and one when it ends, for logs of CI runs."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = steps

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def started(self, index: int) -> None:
        self._say(f"[{index + 1:2d}/{len(self._steps)}] {self._steps[index].title} …")

    def progress(self, index: int, line: str) -> None:
        """Nothing: the log file has it."""

    def ended(self, index: int, outcome: Outcome) -> None:
        word = "FAILED" if outcome.failed else "ok"
        self._say(f"        {word} after {console.duration(outcome.seconds)}: {_first_line(outcome.result)}")

    def _say(self, line: str) -> None:
        console.plain(line)


def make_display(steps: Sequence[Step]) -> LiveDisplay | LineDisplay:
    """The display that suits where the output goes."""
    return LiveDisplay(steps) if console.out.is_terminal else LineDisplay(steps)


def outcome_table(outcomes: Sequence[Outcome]) -> Table:
    """What was done: step, time, result."""
    table = Table(box=None, padding=(0, 2))
    table.add_column("step")
    table.add_column("time", justify="right")
    table.add_column("result")
    for outcome in outcomes:
        style = "red" if outcome.failed else ""
        table.add_row(
            Text(outcome.title), console.duration(outcome.seconds), Text(_first_line(outcome.result), style=style)
        )
    table.add_section()
    table.add_row("all", console.duration(sum(outcome.seconds for outcome in outcomes)), "")
    return table


def _first_line(text: str) -> str:
    return text.splitlines()[0] if text else ""
