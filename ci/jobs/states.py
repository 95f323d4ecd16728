"""What the states of runs mean for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from databricks.sdk.service.jobs import BaseRun, Run, RunTask

_OVER = frozenset({"TERMINATED", "SKIPPED", "INTERNAL_ERROR"})
_STYLES = {
    "SUCCESS": "green",
    "SUCCESS_WITH_FAILURES": "yellow",
    "RUNNING": "cyan",
    "PENDING": "dim",
    "QUEUED": "dim",
    "BLOCKED": "dim",
    "WAITING_FOR_RETRY": "yellow",
    "UPSTREAM_FAILED": "yellow",
    "UPSTREAM_CANCELED": "yellow",
    "EXCLUDED": "dim",
    "SKIPPED": "yellow",
    "CANCELED": "yellow",
}


@dataclass(frozen=True)
class State:
    """A run's or a task's state: `word` is the result once there is one, else where it is in its life."""

    word: str
    over: bool
    message: str = ""

    @property
    def succeeded(self) -> bool:
        """Whether it ended and did all that it should."""
        return self.over and self.word == "SUCCESS"

    @property
    def failed(self) -> bool:
        """Whether it ended by its own fault: not skipped, excluded or cancelled with others."""
        return self.over and self.word in ("FAILED", "TIMEDOUT", "INTERNAL_ERROR", "MAXIMUM_CONCURRENT_RUNS_REACHED")

    @property
    def style(self) -> str:
        """The colour of the word."""
        return _STYLES.get(self.word, "red" if self.over else "")


def state_of(run: Run | RunTask | BaseRun) -> State:
    """The state as jobs 2.1 and 2.2 both tell it."""
    state = run.state
    if state is None or state.life_cycle_state is None:
        return State("PENDING", over=False)
    life = state.life_cycle_state.value
    word = state.result_state.value if state.result_state else life
    return State(word, life in _OVER, state.state_message or "")


def seconds_of(run: Run | RunTask | BaseRun, now_ms: int) -> float | None:
    """How long it took, or has taken until now; None if it has not started."""
    if not run.start_time:
        return None
    end = run.end_time or now_ms
    return max(0.0, (end - run.start_time) / 1000)
