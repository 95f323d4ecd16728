"""States of runs: the life cycle and result states of the API, and the newer `status` that says the same."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

_V2 = {"WAITING_FOR_RETRY": "WAITING", "SKIPPED": "TERMINATED", "INTERNAL_ERROR": "TERMINATED"}
_DEFAULT_CODES = {
    "SUCCESS": "SUCCESS",
    "SUCCESS_WITH_FAILURES": "SUCCESS_WITH_FAILURES",
    "FAILED": "RUN_EXECUTION_ERROR",
    "TIMEDOUT": "CANCELED",
    "CANCELED": "USER_CANCELED",
    "EXCLUDED": "SKIPPED",
    "UPSTREAM_FAILED": "SKIPPED",
    "UPSTREAM_CANCELED": "SKIPPED",
    "MAXIMUM_CONCURRENT_RUNS_REACHED": "MAX_CONCURRENT_RUNS_EXCEEDED",
}
_TYPES = {
    "SUCCESS": "SUCCESS",
    "SUCCESS_WITH_FAILURES": "SUCCESS",
    "SKIPPED": "SUCCESS",
    "INTERNAL_ERROR": "INTERNAL_ERROR",
}
ENDED = frozenset({"TERMINATED", "SKIPPED", "INTERNAL_ERROR"})


@dataclass(frozen=True)
class State:
    """`life` is the life_cycle_state, `result` the result_state once there is one, `code` the termination code."""

    life: str
    result: str | None = None
    message: str = ""
    code: str | None = None

    @property
    def ended(self) -> bool:
        return self.life in ENDED

    def as_state(self) -> dict[str, Any]:
        state: dict[str, Any] = {
            "life_cycle_state": self.life,
            "state_message": self.message,
            "user_cancelled_or_timedout": self.result in ("CANCELED", "TIMEDOUT"),
        }
        if self.result is not None:
            state["result_state"] = self.result
        if self.life == "QUEUED":
            state["queue_reason"] = self.message
        return state

    def as_status(self) -> dict[str, Any]:
        status: dict[str, Any] = {"state": _V2.get(self.life, self.life)}
        if self.life == "QUEUED":
            status["queue_details"] = {"code": "MAX_CONCURRENT_RUNS_REACHED", "message": self.message}
        if self.ended:
            code = self.code or _DEFAULT_CODES.get(self.result or "", "INTERNAL_ERROR")
            status["termination_details"] = {
                "code": code,
                "type": _TYPES.get(code, "CLIENT_ERROR"),
                "message": self.message,
            }
        return status

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


BLOCKED = State("BLOCKED")
PENDING = State("PENDING")
RUNNING = State("RUNNING", message="In run")
SUCCESS = State("TERMINATED", "SUCCESS")
CANCELED = State("TERMINATED", "CANCELED", "Run cancelled.")
TIMED_OUT = State("TERMINATED", "TIMEDOUT", "Run timed out.")


def failed(message: str, code: str = "RUN_EXECUTION_ERROR") -> State:
    """How Databricks ends a run whose workload failed: as INTERNAL_ERROR with result FAILED."""
    return State("INTERNAL_ERROR", "FAILED", message, code)
