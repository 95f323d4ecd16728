"""Running a list of steps one after the other: each with its log, its time and its result in a few words."""

from __future__ import annotations

import re
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TextIO

_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_REASON_LINES = 15


class StepFailed(Exception):
    """A step did not do its work; the message says why, in a few lines."""


class StepLog:
    """A step's log file, and the line that the display shows while the step is under way."""

    def __init__(self, path: Path, file: TextIO, progress: Callable[[str], None]) -> None:
        self.path = path
        self._file = file
        self._progress = progress

    def write(self, text: str) -> None:
        """Into the log only."""
        self._file.write(text if text.endswith("\n") else text + "\n")
        self._file.flush()

    def note(self, line: str) -> None:
        """Into the log, and on the screen as what is happening now."""
        line = clean(line)
        self.write(line)
        if line.strip():
            self._progress(line.strip())


@dataclass(frozen=True)
class Step:
    """A title for people, and what it does: returns its result in a few words, or raises."""

    title: str
    action: Callable[[StepLog], str]


@dataclass(frozen=True)
class Outcome:
    """How a step ended, after how many seconds; `log` is the file with all of it."""

    title: str
    seconds: float
    result: str
    log: Path
    failed: bool = False


class Display(Protocol):
    """Who shows the progress."""

    def started(self, index: int) -> None:
        """The step with that index begins."""

    def progress(self, index: int, line: str) -> None:
        """What the step is doing now."""

    def ended(self, index: int, outcome: Outcome) -> None:
        """The step is over."""


def run_steps(steps: Sequence[Step], folder: Path, display: Display) -> list[Outcome]:
    """Runs the steps in order and stops at the first that fails; its outcome is then the last.

    Every exception is a failure of its step: what the user must see is which step, why, and the log.
    """
    outcomes = []
    for index, step in enumerate(steps):
        display.started(index)
        outcome = _run(step, index, folder, display)
        display.ended(index, outcome)
        outcomes.append(outcome)
        if outcome.failed:
            break
    return outcomes


def _run(step: Step, index: int, folder: Path, display: Display) -> Outcome:
    path = folder / f"{index + 1:02d}-{_file_name(step.title)}.log"
    folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    with path.open("w", encoding="utf-8") as file:
        log = StepLog(path, file, lambda line: display.progress(index, line))
        try:
            result, failed = step.action(log), False
        except Exception as error:
            result, failed = str(error) or type(error).__name__, True
            log.write(f"failed: {result}")
            if not isinstance(error, StepFailed):
                _write_trace(log, error)
    return Outcome(step.title, time.monotonic() - began, result, path, failed)


def reason(output: str) -> str:
    """Why a command failed, from its output: from its first `Error:` on, else its last lines."""
    lines = [_unframed(line) for line in clean(output).splitlines()]
    lines = [line for line in lines if line.strip()]
    first = next((number for number, line in enumerate(lines) if re.search(r"(^|\s)Error: ", line)), None)
    return "\n".join(lines[-_REASON_LINES:] if first is None else lines[first : first + _REASON_LINES])


def clean(text: str) -> str:
    """Without a terminal's colours and cursor movements."""
    return _ANSI.sub("", text).replace("\r", "")


def _unframed(line: str) -> str:
    """Without the frame that Terraform draws around errors."""
    return re.sub(r"[╷│╵]", "", line).rstrip()


def _file_name(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def _write_trace(log: StepLog, error: Exception) -> None:
    log.write("".join(traceback.format_exception(error)))
