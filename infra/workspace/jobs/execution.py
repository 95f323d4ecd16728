"""One run of a job: starts tasks as their dependencies end, retries, watches the clock, and ends in one state."""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from infra.workspace.identity.principal import Principal
from infra.workspace.jobs import graph
from infra.workspace.jobs.attempts import Stop, pause, run_attempt
from infra.workspace.jobs.checkout import CheckoutError
from infra.workspace.jobs.records import JobRun, TaskRun, latest
from infra.workspace.jobs.references import Names, UnknownReference, resolve
from infra.workspace.jobs.sandbox import Sandbox
from infra.workspace.jobs.services import RunServices
from infra.workspace.jobs.states import RUNNING, SUCCESS, TIMED_OUT, State, failed

_LOG = logging.getLogger(__name__)
_TRIGGERS = {"ONE_TIME": "onetime", "PERIODIC": "periodic", "RUN_JOB_TASK": "run_job_task"}
_MAX_ITERATIONS = 5000
_RETRY_SECONDS = 2.0
_NOT_RETRIED = frozenset({"REPOSITORY_CHECKOUT_FAILED", "INVALID_RUN_CONFIGURATION", "FEATURE_DISABLED"})


class Execution:
    """A run in progress. `keys` are the tasks to run: all of them, or those that a repair runs again."""

    def __init__(
        self, services: RunServices, run: JobRun, run_as: Principal, keys: set[str], repair_id: int = 0
    ) -> None:
        self.run = run
        self.ended = threading.Event()
        self._services = services
        self._run_as = run_as
        self._keys = keys
        self._repair_id = repair_id
        self._stop = Stop()
        self._changed = threading.Condition()
        self._tasks: list[dict[str, Any]] = run.settings.get("tasks", [])
        self._running: set[str] = set()
        self._attempts: dict[str, TaskRun] = {}
        self._results: dict[str, str] = {}
        self._outcomes: dict[str, str] = {}
        self._messages: dict[str, str] = {}
        self._sandbox = Sandbox(services, run, run_as)
        self._checkout_error = ""

    def prepare(self) -> None:
        """Writes the run and its tasks as pending, in the caller's transaction."""
        records = self._services.records
        known = latest(records.tasks(self.run.run_id))
        for position, task in enumerate(self._tasks):
            key, before = str(task["task_key"]), known.get(str(task["task_key"]))
            if key not in self._keys:
                if before is not None and before.state.result:
                    self._results[key], self._outcomes[key] = before.state.result, before.outcome
                continue
            attempt = TaskRun(
                run_id=records.next_run_id(),
                job_run_id=self.run.run_id,
                task=task,
                position=position,
                attempt=0 if before is None else before.attempt + 1,
                original_run_id=0 if before is None else before.original_run_id or before.run_id,
                state=State("BLOCKED" if graph.dependencies(task) else "PENDING"),
                repair_id=self._repair_id,
            )
            records.save_task(attempt)
            self._attempts[key] = attempt

    def task_run_ids(self) -> list[int]:
        return [attempt.run_id for attempt in self._attempts.values()]

    def start(self) -> None:
        threading.Thread(target=self._main, name=f"run {self.run.run_id}", daemon=True).start()

    def stop(self, state: State) -> None:
        """Ends the run in that state: processes are ended, tasks not yet started will not start."""
        self._stop.set(state)
        with self._changed:
            self._changed.notify_all()

    def _main(self) -> None:
        try:
            self._begin()
            self._work()
        except Exception as error:
            _LOG.exception("run %s", self.run.run_id)
            self._stop.set(failed(f"Internal error: {error}", "INTERNAL_ERROR"))
        finally:
            self._end()

    def _begin(self) -> None:
        self._change(state=RUNNING, run_start_ms=self._services.clock.now_ms())
        self._sandbox.open()
        source = self.run.settings.get("git_source")
        if source is not None and not self.run.used_commit:
            try:
                self._change(used_commit=self._services.repositories.resolve(source))
            except CheckoutError as error:
                self._checkout_error = f"Failed to checkout Git repository: {error}"
        self._change(parameters=self._resolved_parameters())
        self._notify("on_start", self.run.settings)

    def _work(self) -> None:
        started = time.monotonic()
        limit = float(self.run.settings.get("timeout_seconds") or 0)
        warnings = [
            float(rule["value"])
            for rule in self.run.settings.get("health", {}).get("rules", [])
            if rule.get("metric") == "RUN_DURATION_SECONDS"
        ]
        with self._changed:
            while True:
                self._start_ready()
                if not self._running:
                    return
                elapsed = time.monotonic() - started
                if limit and elapsed >= limit and self._stop.state is None:
                    self._stop.set(TIMED_OUT)
                for warning in [value for value in warnings if elapsed > value]:
                    warnings.remove(warning)
                    message = f"The run takes longer than {warning:g} seconds."
                    self._notify("on_duration_warning_threshold_exceeded", self.run.settings, message=message)
                moments = [*warnings, *([limit] if limit and self._stop.state is None else [])]
                self._changed.wait(max(0.01, min(moments) - elapsed + 0.001) if moments else None)

    def _start_ready(self) -> None:
        """Starts every task that may start; tasks that will not run are marked, which may settle others."""
        settled = True
        while settled:
            settled = False
            for task in self._tasks:
                key = str(task["task_key"])
                if key in self._results or key in self._running:
                    continue
                if self._stop.state is not None:
                    self._settle(key, self._stop.state)
                    settled = True
                elif all(other in self._results for other in graph.dependencies(task)):
                    decision = graph.verdict(task, self._results, self._outcomes)
                    if decision is graph.Verdict.RUN and not task.get("disabled"):
                        self._running.add(key)
                        name = f"run {self.run.run_id} {key}"
                        threading.Thread(target=self._run_task, args=(task,), name=name, daemon=True).start()
                    else:
                        result = "DISABLED" if task.get("disabled") else decision.value
                        self._settle(key, State("TERMINATED", result, _reason(result)))
                        settled = True

    def _run_task(self, task: dict[str, Any]) -> None:
        key = str(task["task_key"])
        try:
            state = self._run_with_retries(task, self._attempts[key])
        except Exception as error:
            _LOG.exception("run %s, task %s", self.run.run_id, key)
            state = failed(f"Internal error: {error}", "INTERNAL_ERROR")
        with self._changed:
            self._running.discard(key)
            try:
                self._settle(key, state)
            finally:
                self._changed.notify_all()

    def _run_with_retries(self, task: dict[str, Any], attempt: TaskRun) -> State:
        left = int(task.get("max_retries", 0))
        self._notify("on_start", task, attempt)
        while True:
            state = self._run_once(task, attempt)
            retried = state.result == "FAILED" or (state.result == "TIMEDOUT" and bool(task.get("retry_on_timeout")))
            if not retried or left == 0 or state.code in _NOT_RETRIED or self._stop.state is not None:
                return state
            left -= 1
            self._finish(attempt, state)
            attempt = self._next_attempt(attempt)
            if not pause(int(task.get("min_retry_interval_millis", 0)) / 1000, self._stop):
                return self._stop.state or state

    def _run_once(self, task: dict[str, Any], attempt: TaskRun) -> State:
        if self._checkout_error and _uses_git(task):
            return failed(self._checkout_error, "REPOSITORY_CHECKOUT_FAILED")
        if "for_each_task" in task:
            return self._run_for_each(task, attempt)
        state = run_attempt(self._services, self._sandbox, attempt, self._names(attempt), self._stop)
        self._outcomes[attempt.key] = attempt.outcome
        return state

    def _run_for_each(self, task: dict[str, Any], attempt: TaskRun) -> State:
        attempt.start_ms, attempt.state = self._services.clock.now_ms(), RUNNING
        self._services.records.save_task(attempt)
        loop = task["for_each_task"]
        try:
            items = json.loads(resolve(str(loop["inputs"]), self._names(attempt)))
        except (UnknownReference, ValueError) as error:
            return failed(f"for_each_task: inputs are no JSON array: {error}", "INVALID_RUN_CONFIGURATION")
        if not isinstance(items, list) or len(items) > _MAX_ITERATIONS:
            return failed(f"for_each_task: inputs must be a JSON array of at most {_MAX_ITERATIONS}")

        def run_item(position: int) -> State:
            if self._stop.state is not None:
                return self._stop.state
            iteration = TaskRun(
                run_id=self._services.records.next_run_id(),
                job_run_id=self.run.run_id,
                task=loop["task"],
                position=attempt.position,
                parent_run_id=attempt.run_id,
                iteration=position,
            )
            names = replace(self._names(iteration), item=items[position])
            state = run_attempt(self._services, self._sandbox, iteration, names, self._stop)
            self._finish(iteration, state, settle=False)
            return state

        with ThreadPoolExecutor(int(loop.get("concurrency", 1))) as pool:
            states = list(pool.map(run_item, range(len(items))))
        if self._stop.state is not None:
            return self._stop.state
        wrong = [position for position, state in enumerate(states) if state.result != "SUCCESS"]
        if wrong:
            return failed(f"{len(wrong)} of {len(items)} iterations failed; the first is number {wrong[0]}")
        return SUCCESS

    def _next_attempt(self, last: TaskRun) -> TaskRun:
        attempt = TaskRun(
            run_id=self._services.records.next_run_id(),
            job_run_id=last.job_run_id,
            task=last.task,
            position=last.position,
            attempt=last.attempt + 1,
            original_run_id=last.original_run_id or last.run_id,
            state=State("WAITING_FOR_RETRY"),
            repair_id=self._repair_id,
        )
        self._attempts[last.key] = attempt
        self._services.records.save_task(attempt)
        return attempt

    def _settle(self, key: str, state: State) -> None:
        self._results[key] = str(state.result)
        self._messages[key] = state.message
        self._finish(self._attempts[key], state)

    def _finish(self, attempt: TaskRun, state: State, *, settle: bool = True) -> None:
        attempt.state, attempt.end_ms = state, self._services.clock.now_ms()
        attempt.start_ms = attempt.start_ms or attempt.end_ms
        self._services.records.save_task(attempt)
        if settle:
            event = "on_success" if state.result == "SUCCESS" else "on_failure"
            if state.result not in ("EXCLUDED", "DISABLED"):
                self._notify(event, attempt.task, attempt, state)

    def _end(self) -> None:
        """The run's final state, written once processes are gone and the token is revoked.

        With a full disk it is tried again until there is room: a run must not stay active for ever.
        """
        while True:
            try:
                self._close()
                break
            except (sqlite3.Error, OSError) as error:
                _LOG.warning("run %s cannot be ended yet: %s", self.run.run_id, error)
                time.sleep(_RETRY_SECONDS)
            except Exception:
                _LOG.exception("run %s could not be ended", self.run.run_id)
                break
        self.ended.set()

    def _close(self) -> None:
        self._sandbox.close()
        state = self._stop.state or self._final_state()
        now = self._services.clock.now_ms()
        for attempt in self._attempts.values():
            if not attempt.state.ended:
                self._finish(attempt, state, settle=False)
            self._services.records.save_task(attempt)
        if self.run.repairs:
            self.run.repairs[-1].update(end_time=now, state=state.as_state(), status=state.as_status())
        self._change(state=state, end_ms=now)
        succeeded = state.result in ("SUCCESS", "SUCCESS_WITH_FAILURES")
        self._notify("on_success" if succeeded else "on_failure", self.run.settings, state=state)

    def _final_state(self) -> State:
        bad = {key: result for key, result in self._results.items() if result in graph.FAILED | graph.CANCELED}
        if not bad:
            return SUCCESS
        if not bad.keys() & graph.leaves(self._tasks):
            return State("TERMINATED", "SUCCESS_WITH_FAILURES")
        broken = [key for key, result in bad.items() if not result.startswith("UPSTREAM")] or list(bad)
        if any(bad[key] == "TIMEDOUT" for key in broken):
            return replace(failed(f"Task {broken[0]} timed out."), result="TIMEDOUT", life="TERMINATED")
        message = f"Task {broken[0]} failed with message: {self._messages.get(broken[0]) or bad[broken[0]]}."
        if any(result.startswith("UPSTREAM") for result in bad.values()):
            message += " This caused all downstream tasks to get skipped."
        return failed(message)

    def _names(self, attempt: TaskRun) -> Names:
        run = self.run
        return Names(
            job_id=run.job_id,
            job_name=str(run.settings["name"]),
            run_id=run.run_id,
            start_ms=run.start_ms,
            trigger=_TRIGGERS.get(run.trigger, run.trigger.lower()),
            repaired=max(0, len(run.repairs) - 1),
            parameters={item["name"]: item.get("value", item.get("default", "")) for item in run.parameters},
            task_key=attempt.key,
            task_run_id=attempt.run_id,
            attempt=attempt.attempt,
            workspace_id=self._services.config.workspace_id,
            workspace_url=self._services.config.url,
            git_commit=run.used_commit,
            values=self._services.records.values(run.run_id),
            results=dict(self._results),
        )

    def _resolved_parameters(self) -> list[dict[str, str]]:
        """Parameters may hold references to the run, not to tasks."""
        nothing = TaskRun(0, self.run.run_id, {"task_key": ""}, 0)
        names = self._names(nothing)
        resolved: list[dict[str, str]] = resolve(self.run.parameters, names)
        return resolved

    def _change(self, **changes: Any) -> None:
        for name, value in changes.items():
            setattr(self.run, name, value)
        self._services.records.save(self.run)

    def _notify(
        self,
        event: str,
        settings: dict[str, Any],
        attempt: TaskRun | None = None,
        state: State | None = None,
        message: str = "",
    ) -> None:
        self._services.notify(event, self.run, settings, attempt, state, message)


def _uses_git(task: dict[str, Any]) -> bool:
    inner = task.get("for_each_task", {}).get("task", task)
    return (inner.get("spark_python_task") or {}).get("source", "GIT") == "GIT" and "spark_python_task" in inner


def _reason(result: str) -> str:
    return {
        "EXCLUDED": "The task's condition was not met.",
        "DISABLED": "The task is disabled.",
        "UPSTREAM_FAILED": "An upstream task failed.",
        "UPSTREAM_CANCELED": "An upstream task was cancelled.",
    }[result]
