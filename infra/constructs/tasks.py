"""Tasks of a job that are no steps: conditions and runs of other jobs; and whether a job's tasks fit together."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from infra.constructs.steps import Before, Outcome, TaskConfig, Value
from infra.settings.errors import did_you_mean

Operator = Literal[
    "EQUAL_TO",
    "NOT_EQUAL",
    "GREATER_THAN",
    "GREATER_THAN_OR_EQUAL",
    "LESS_THAN",
    "LESS_THAN_OR_EQUAL",
]

_TASK_REFERENCE = re.compile(r"\{\{\s*tasks\.([\w-]+)\.[\w.-]+\s*\}\}")
_PARAMETER_REFERENCE = re.compile(r"\{\{\s*job\.parameters\.([\w-]+)\s*\}\}")


@dataclass(frozen=True)
class ConditionConfig:
    """A comparison of two texts, usually a value that an earlier task told; it needs no cluster."""

    key: str
    left: str
    operator: Operator
    right: str
    depends_on: Sequence[Before] = ()


@dataclass(frozen=True)
class RunJobConfig:
    """A run of another job of the same stack, by its short name; the task ends as that run does."""

    key: str
    job: str
    parameters: Mapping[str, Value] = field(default_factory=dict)
    depends_on: Sequence[Before] = ()


AnyTask = TaskConfig | ConditionConfig | RunJobConfig


def problems_of(tasks: Sequence[AnyTask], parameters: Mapping[str, Value], jobs: Mapping[str, object]) -> list[str]:
    """Why the tasks cannot run as one job, in words; empty if they can. `jobs` are those that a task may run."""
    keys = [task.key for task in tasks]
    if not keys:
        return ["expected at least one task"]
    found = [f"task '{key}' is given twice" for key in sorted({k for k in keys if keys.count(k) > 1})]
    by_key = {task.key: task for task in tasks}
    for task in tasks:
        found += _wrong_dependencies(task, by_key)
    if found:
        return found
    if around := _circle(by_key):
        return [f"tasks wait for each other: {', '.join(around)}"]
    for task in tasks:
        found += _never_runs(task, by_key)
        found += _wrong_references(task, by_key, parameters)
        if isinstance(task, RunJobConfig) and task.job not in jobs:
            found.append(f"task '{task.key}' runs unknown job '{task.job}'{did_you_mean(task.job, map(str, jobs))}")
    return found


def key_of(before: Before) -> str:
    """The task that is waited for."""
    return before.condition if isinstance(before, Outcome) else before


def _wrong_dependencies(task: AnyTask, by_key: Mapping[str, AnyTask]) -> Iterator[str]:
    names = [key_of(before) for before in task.depends_on]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"task '{task.key}' depends on '{name}' twice: a task has one outcome"
    for before in task.depends_on:
        name = key_of(before)
        other = by_key.get(name)
        if other is None:
            yield f"task '{task.key}' depends on unknown task '{name}'{did_you_mean(name, by_key)}"
        elif isinstance(before, Outcome) and not isinstance(other, ConditionConfig):
            yield f"task '{task.key}' depends on an outcome of '{name}', which is no condition"
        elif isinstance(other, ConditionConfig) and not isinstance(before, Outcome):
            yield f"task '{task.key}' depends on condition '{name}' and does not say on which outcome"


def _circle(by_key: Mapping[str, AnyTask]) -> list[str]:
    """The tasks that can never start, in order of their keys; empty if every task can."""
    waiting = {key: {key_of(before) for before in task.depends_on} for key, task in by_key.items()}
    while ready := [key for key, before in waiting.items() if not before & waiting.keys()]:
        for key in ready:
            del waiting[key]
    return sorted(waiting)


def _never_runs(task: AnyTask, by_key: Mapping[str, AnyTask]) -> Iterator[str]:
    """A task runs only if all before it ran; what needs both sides of a condition never does."""
    needed = {each for each in _all_before(task, by_key) if isinstance(each, Outcome)}
    for condition in sorted({each.condition for each in needed}):
        if {Outcome(condition, True), Outcome(condition, False)} <= needed:
            yield f"task '{task.key}' can never run: it needs both outcomes of '{condition}'"


def _wrong_references(task: AnyTask, by_key: Mapping[str, AnyTask], parameters: Mapping[str, Value]) -> Iterator[str]:
    """A value of a task is there only for those that come after it. Steps' job parameters the manifest checks."""
    earlier = {key_of(each) for each in _all_before(task, by_key)}
    for text in _texts(task):
        for name in _TASK_REFERENCE.findall(text):
            if name not in by_key:
                yield f"task '{task.key}' refers to unknown task '{name}'{did_you_mean(name, by_key)}"
            elif name not in earlier:
                yield f"task '{task.key}' refers to task '{name}', which does not come before it"
        if not isinstance(task, TaskConfig):
            for name in _PARAMETER_REFERENCE.findall(text):
                if name not in parameters:
                    yield f"task '{task.key}' refers to unknown job parameter '{name}'{did_you_mean(name, parameters)}"


def _all_before(task: AnyTask, by_key: Mapping[str, AnyTask]) -> set[Before]:
    found: set[Before] = set()
    waiting = list(task.depends_on)
    while waiting:
        before = waiting.pop()
        if before not in found:
            found.add(before)
            waiting += by_key[key_of(before)].depends_on
    return found


def _texts(task: AnyTask) -> list[str]:
    if isinstance(task, ConditionConfig):
        return [task.left, task.right]
    return [value for value in task.parameters.values() if isinstance(value, str)]
