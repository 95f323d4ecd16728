"""The graph of a job's tasks: its order, and what becomes of a task once those it depends on have ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from graphlib import CycleError, TopologicalSorter
from typing import Any

from infra.workspace.gateway.errors import BadRequest

Task = Mapping[str, Any]

FAILED = frozenset({"FAILED", "TIMEDOUT", "UPSTREAM_FAILED"})
CANCELED = frozenset({"CANCELED", "UPSTREAM_CANCELED"})


class Verdict(StrEnum):
    """What is to be done with a task whose dependencies have ended."""

    RUN = "RUN"
    EXCLUDED = "EXCLUDED"
    UPSTREAM_FAILED = "UPSTREAM_FAILED"
    UPSTREAM_CANCELED = "UPSTREAM_CANCELED"


def check_graph(tasks: Sequence[Task]) -> None:
    """Raises BadRequest for a key used twice, a dependency on no task, a cycle."""
    keys = [str(task["task_key"]) for task in tasks]
    for key in keys:
        if keys.count(key) > 1:
            raise BadRequest(f"Task key '{key}' is used more than once; task keys must be unique within a job.")
    edges = {str(task["task_key"]): dependencies(task) for task in tasks}
    for key, needed in edges.items():
        for other in needed:
            if other not in edges:
                raise BadRequest(f"Task '{key}' depends on task '{other}', which is not a task of this job.")
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        circle = " -> ".join(reversed(error.args[1]))
        raise BadRequest(f"The tasks depend on each other in a cycle: {circle}.") from error


def dependencies(task: Task) -> list[str]:
    return [str(dependency["task_key"]) for dependency in task.get("depends_on", [])]


def leaves(tasks: Sequence[Task]) -> set[str]:
    """Keys of the tasks on which no other depends: they decide a run's result."""
    needed = {other for task in tasks for other in dependencies(task)}
    return {str(task["task_key"]) for task in tasks} - needed


def downstream(tasks: Sequence[Task], keys: set[str]) -> set[str]:
    """`keys` and every task that depends on one of them, directly or not."""
    found = set(keys)
    grew = True
    while grew:
        more = {str(task["task_key"]) for task in tasks if found & set(dependencies(task))} - found
        found |= more
        grew = bool(more)
    return found


def verdict(task: Task, results: Mapping[str, str], outcomes: Mapping[str, str]) -> Verdict:
    """Decides by the task's `run_if`, given the result states and condition outcomes of all it depends on.

    A dependency whose condition came out the other way counts as excluded.
    """
    states = []
    for dependency in task.get("depends_on", []):
        key = str(dependency["task_key"])
        wanted = dependency.get("outcome")
        met = wanted is None or outcomes.get(key) == wanted
        states.append(results[key] if met or results[key] != "SUCCESS" else "EXCLUDED")
    if not states:
        return Verdict.RUN
    failed = any(state in FAILED for state in states)
    canceled = any(state in CANCELED for state in states)
    succeeded = "SUCCESS" in states
    stopped = Verdict.UPSTREAM_FAILED if failed else Verdict.UPSTREAM_CANCELED
    unmet = stopped if failed or canceled else Verdict.EXCLUDED
    broken = failed or canceled
    runs = {
        "ALL_SUCCESS": all(state == "SUCCESS" for state in states),
        "AT_LEAST_ONE_SUCCESS": succeeded,
        "NONE_FAILED": succeeded and not broken,
        "ALL_DONE": any(state != "EXCLUDED" for state in states),
        "AT_LEAST_ONE_FAILED": broken,
        "ALL_FAILED": all(state in FAILED | CANCELED for state in states),
    }
    condition = str(task.get("run_if", "ALL_SUCCESS"))
    if runs[condition]:
        return Verdict.RUN
    return Verdict.EXCLUDED if condition in ("AT_LEAST_ONE_FAILED", "ALL_FAILED") else unmet
