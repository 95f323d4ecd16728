"""Where commands print: results to stdout, everything about them to stderr."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.table import Table
from rich.text import Text

_LOG_WIDTH = 140

# Both follow sys.stdout and sys.stderr as they are at the time of printing, so tests and redirections see all of it.
out = Console(soft_wrap=True, markup=False)
err = Console(stderr=True, soft_wrap=True, markup=False)


def problem(message: str) -> None:
    """An error, for people."""
    err.print(Text(message, style="bold red"))


def warning(message: str) -> None:
    """Something that the user should know before relying on the result."""
    err.print(Text(message, style="yellow"))


def show(table: Table) -> None:
    """A table: as wide as the terminal, and wide enough for logs where there is none."""
    (out if out.is_terminal else Console(width=_LOG_WIDTH)).print(table, markup=False, highlight=False)


def plain(text: str) -> None:
    """Text for other programs: no wrapping, no colours, no markup."""
    out.file.write(text + "\n")
    out.file.flush()


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """A spinner while something is under way; one plain line where there is no terminal."""
    if err.is_terminal:
        with err.status(what):
            yield
    else:
        err.print(Text(f"{what} …"))
        yield


@contextmanager
def progress(what: str) -> Iterator[Callable[[str], None]]:
    """A spinner with the last line that was said; lines of a log where there is no terminal."""
    if err.is_terminal:
        with err.status(what) as status:
            yield lambda line: status.update(Text(f"{what}: {line}"[: err.width - 4]))
    else:
        err.print(Text(f"{what} …"))
        yield lambda line: err.print(Text(f"  {line}"))


def duration(seconds: float) -> str:
    """`0.8 s`, `42 s` or `3 min 05 s`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
