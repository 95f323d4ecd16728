"""One attempt at one task, by the task's type: a Python process, a condition, another job."""

from __future__ import annotations

import json
import operator
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from infra.workspace.compute.launcher import TaskProcess
from infra.workspace.compute.libraries import unmet
from infra.workspace.gateway.errors import ApiError
from infra.workspace.jobs.logs import LogPump
from infra.workspace.jobs.records import TaskRun
from infra.workspace.jobs.references import Names, UnknownReference, resolve
from infra.workspace.jobs.sandbox import Sandbox, TaskRefused
from infra.workspace.jobs.services import RunServices
from infra.workspace.jobs.states import RUNNING, SUCCESS, TIMED_OUT, State, failed

WORKLOAD_FAILED = "Workload failed, see run output for details"
_NUMERIC: dict[str, Callable[[float, float], bool]] = {
    "GREATER_THAN": operator.gt,
    "GREATER_THAN_OR_EQUAL": operator.ge,
    "LESS_THAN": operator.lt,
    "LESS_THAN_OR_EQUAL": operator.le,
}


class Stop:
    """Why a run is to stop, once it is; whoever waits on a process or a child run is told at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._enders: dict[int, Callable[[], None]] = {}
        self.event = threading.Event()
        self.state: State | None = None

    def set(self, state: State) -> None:
        with self._lock:
            if self.state is None:
                self.state = state
            self.event.set()
            enders = list(self._enders.values())
        for end in enders:
            end()

    def add(self, number: int, end: Callable[[], None]) -> None:
        """Has `end` called when the run stops; at once, if it has stopped already."""
        with self._lock:
            self._enders[number] = end
            stopped = self.event.is_set()
        if stopped:
            end()

    def remove(self, number: int) -> None:
        with self._lock:
            self._enders.pop(number, None)


def run_attempt(services: RunServices, sandbox: Sandbox, attempt: TaskRun, names: Names, stop: Stop) -> State:
    """Runs an attempt to its end; the record `attempt` is saved as it goes, the final state is returned."""
    task = attempt.task
    attempt.start_ms = services.clock.now_ms()
    attempt.state = RUNNING
    services.records.save_task(attempt)
    try:
        if "spark_python_task" in task:
            return _run_python(services, sandbox, attempt, names, stop)
        if "condition_task" in task:
            return _run_condition(attempt, names)
        if "run_job_task" in task:
            return _run_job(services, sandbox, attempt, names, stop)
    except UnknownReference as error:
        return failed(f"Invalid parameters: {error}", "INVALID_RUN_CONFIGURATION")
    except TaskRefused as error:
        attempt.error = str(error)
        return failed(str(error), error.code)
    kind = next(name for name in task if name.endswith("_task"))
    return failed(f"{kind} is not supported by the local workspace", "FEATURE_DISABLED")


def _run_python(services: RunServices, sandbox: Sandbox, attempt: TaskRun, names: Names, stop: Stop) -> State:
    task = attempt.task
    overriding = sandbox.run.overriding.get("python_params")
    parameters = resolve(overriding or task["spark_python_task"].get("parameters", []), names)
    attempt.resolved = {"spark_python_task": {"parameters": parameters}}
    if problems := unmet(task.get("libraries") or []):
        raise TaskRefused(f"Library installation failed: {'; '.join(problems)}", "LIBRARY_INSTALLATION_ERROR")
    file = sandbox.file_of(task["spark_python_task"])
    cluster = sandbox.cluster(task)
    attempt.cluster_id = f"{sandbox.run.run_id}-{task.get('job_cluster_key') or task['task_key']}"
    services.records.save_task(attempt)

    folder = sandbox.folder / "tasks" / str(attempt.run_id)
    folder.mkdir(parents=True, exist_ok=True)
    values_file, result_file = folder / "values.json", folder / "result.json"
    description = {
        "file": str(file),
        "parameters": [str(parameter) for parameter in parameters],
        "environment": sandbox.environment(cluster),
        "widgets": dict(names.parameters),
        "task_values": services.records.values(sandbox.run.run_id),
        "values_file": str(values_file),
        "result_file": str(result_file),
    }
    pump = LogPump(services.log_path(sandbox.run.run_id, attempt.run_id), sandbox.redact)
    fresh = bool(cluster.spec.get("spark_env_vars"))
    try:
        process = services.compute.start_task(description, folder / "task.json", pump.descriptor, fresh)
    finally:
        pump.started()
    status, timed_out = _wait(process, float(task.get("timeout_seconds") or 0), attempt.run_id, stop)
    services.compute.end_task(process)
    pump.close()

    services.records.set_values(sandbox.run.run_id, attempt.key, _read(values_file))
    if stop.state is not None:
        return stop.state
    if timed_out:
        return TIMED_OUT
    if status == 0:
        return SUCCESS
    result = _read(result_file)
    attempt.error = sandbox.redact(str(result.get("error") or _describe_exit(status)))
    attempt.error_trace = sandbox.redact(str(result.get("error_trace", "")))
    return failed(WORKLOAD_FAILED)


def _wait(process: TaskProcess, timeout: float, number: int, stop: Stop) -> tuple[int, bool]:
    """The exit status, and whether the task was ended for taking longer than `timeout` seconds (0: no limit)."""
    stop.add(number, process.end)
    try:
        status = process.wait(timeout or None)
        if status is not None:
            return status, False
        process.end()
        return process.wait() or 0, True
    finally:
        stop.remove(number)


def _run_condition(attempt: TaskRun, names: Names) -> State:
    condition = resolve(dict(attempt.task["condition_task"]), names)
    attempt.resolved = {"condition_task": {"left": condition["left"], "right": condition["right"]}}
    left, right, op = str(condition["left"]), str(condition["right"]), str(condition["op"])
    if op in ("EQUAL_TO", "NOT_EQUAL"):
        met = (left == right) == (op == "EQUAL_TO")
    else:
        try:
            met = _NUMERIC[op](float(left), float(right))
        except ValueError:
            return failed(f"{op} compares numbers, got {left!r} and {right!r}", "INVALID_RUN_CONFIGURATION")
    attempt.outcome = str(met).lower()
    return SUCCESS


def _run_job(services: RunServices, sandbox: Sandbox, attempt: TaskRun, names: Names, stop: Stop) -> State:
    call: Mapping[str, Any] = resolve(dict(attempt.task["run_job_task"]), names)
    try:
        child = services.start_child(sandbox.run, int(call["job_id"]), dict(call.get("job_parameters", {})))
    except ApiError as error:
        return failed(error.message, "INVALID_RUN_CONFIGURATION")
    attempt.child_run_id = child
    services.records.save_task(attempt)
    stop.add(attempt.run_id, lambda: services.cancel_child(child))
    limit = float(attempt.task.get("timeout_seconds") or 0)
    try:
        ended = services.await_run(child, limit or None)
        if ended is None:
            services.cancel_child(child)
            services.await_run(child, None)
            return TIMED_OUT
    finally:
        stop.remove(attempt.run_id)
    if stop.state is not None:
        return stop.state
    if ended.state.result in ("SUCCESS", "SUCCESS_WITH_FAILURES"):
        return SUCCESS
    return failed(f"Run {child} of job {call['job_id']} ended as {ended.state.result}: {ended.state.message}")


def pause(seconds: float, stop: Stop) -> bool:
    """Waits between two attempts; False if the run was stopped meanwhile."""
    return not stop.event.wait(seconds)


def _describe_exit(status: int) -> str:
    return f"the process ended by signal {-status}" if status < 0 else f"the process ended with status {status}"


def _read(file: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(file.read_text()))
    except (OSError, ValueError):
        return {}
