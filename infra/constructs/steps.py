"""The manifest of steps (ml_code/steps.yaml), and the check that a task gives a step what it takes."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from pydantic import Field

from infra.settings.base import Strict, Text
from infra.settings.errors import Problem, did_you_mean
from infra.settings.reading import parse_model

PATH = "ml_code/steps.yaml"

Value = str | int | float | bool | date
ParameterType = Literal["string", "integer", "number", "boolean", "date"]

_REFERENCE = re.compile(r"\{\{\s*([\w.-]+)\s*\}\}")
_REFERENCE_TYPES: dict[str, ParameterType] = {
    "job.id": "integer",
    "job.name": "string",
    "job.run_id": "integer",
    "job.start_time.iso_date": "date",
    "job.start_time.iso_datetime": "string",
    "job.start_time.timestamp_ms": "integer",
    "job.trigger.type": "string",
    "task.name": "string",
    "task.run_id": "integer",
    "workspace.id": "integer",
    "workspace.url": "string",
}


class StepError(Exception):
    """A job does not fit the manifest; the message lists every problem with file, job, task and step."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(["the jobs do not fit the steps:", *(f"  {p}" for p in problems)]))


class Parameter(Strict):
    """One parameter of a step; without a default it is required."""

    type: ParameterType = Field(description="type of the value")
    default: str | int | float | bool | None = Field(None, description="value where none is given")
    description: str = Field("", description="what it means")


class Step(Strict):
    """One step: the module that holds it and what it takes."""

    module: Text = Field(description="importable name of the module")
    description: str = Field("", description="what the step does")
    parameters: dict[str, Parameter] = Field(default_factory=dict, description="its parameters by name")


class _Document(Strict):
    entry: Text = Field(description="file that runs every step, from the repository's root")
    steps: dict[str, Step] = Field(min_length=1, description="steps by name")


@dataclass(frozen=True)
class Outcome:
    """One side of a condition: a task that comes after it runs on that side alone."""

    condition: str
    value: bool


Before = str | Outcome
"""What a task waits for: another task's success, or a condition's outcome."""


@dataclass(frozen=True)
class TaskConfig:
    """One task of a job: a step, the values that are its own, and what comes before it."""

    key: str
    step: str
    parameters: Mapping[str, Value]
    depends_on: Sequence[Before] = ()
    retried: bool = True
    """False: a failure is meant, and a further attempt would only repeat it."""


@dataclass(frozen=True)
class Manifest:
    """The steps of one branch. `source` is how errors call it, such as `ml_code/steps.yaml (branch release)`."""

    source: str
    entry: str
    steps: Mapping[str, Step]

    @classmethod
    def parse(cls, text: str, source: str = PATH) -> "Manifest":
        """The manifest of a text; raises StepError with all that is wrong with it."""
        document, problems = parse_model(_Document, text, source)
        if document is None:
            raise StepError(problems)
        return cls(source, document.entry, document.steps)

    def defaults(self, step: str, *names: str) -> dict[str, Value]:
        """The defaults of some parameters of a step, for a job to show as its own. Raises StepError if unknown."""
        found = self.steps.get(step)
        if found is None:
            raise StepError([Problem(self.source, f"unknown{did_you_mean(step, self.steps)}", step)])
        missing = [n for n in names if n not in found.parameters or found.parameters[n].default is None]
        if missing:
            known = [name for name, p in found.parameters.items() if p.default is not None]
            raise StepError(
                [Problem(self.source, f"no default{did_you_mean(n, known)}", f"{step}.{n}") for n in missing]
            )
        return {n: value for n in names if (value := found.parameters[n].default) is not None}

    def arguments(self, job: str, task: TaskConfig, job_parameters: Mapping[str, Value]) -> list[str]:
        """The command line of a task: its step, then `--name value` for each parameter.

        A value is the task's own, else the job parameter of the same name, else left to the step's default. Raises
        StepError if the step or a parameter is unknown, a required one is missing, or a value has another type.
        """
        where = f"job {job}, task {task.key}, step {task.step}"
        step = self.steps.get(task.step)
        if step is None:
            raise StepError([Problem(self.source, f"unknown step{did_you_mean(task.step, self.steps)}", where)])
        problems = [
            f"unknown parameter '{name}'{did_you_mean(name, step.parameters)}"
            for name in task.parameters
            if name not in step.parameters
        ]
        line = [task.step]
        for name, parameter in step.parameters.items():
            if name in task.parameters:
                value: Value = task.parameters[name]
            elif name in job_parameters:
                value = f"{{{{job.parameters.{name}}}}}"
            elif parameter.default is None:
                problems.append(f"missing parameter '{name}': the step requires it ({parameter.type})")
                continue
            else:
                continue
            if complaint := _mismatch(value, parameter.type, job_parameters):
                problems.append(f"parameter '{name}': {complaint}")
            line += [f"--{name}", text_of(value)]
        if problems:
            raise StepError([Problem(self.source, problem, where) for problem in problems])
        return line


def text_of(value: Value) -> str:
    """A value as jobs pass it: words for booleans, ISO for dates."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, date) else str(value)


def _mismatch(value: Value, expected: ParameterType, job_parameters: Mapping[str, Value]) -> str | None:
    """Why a value does not fit, or None. A dynamic value reference is judged by what it stands for."""
    found: ParameterType | None
    reference = _REFERENCE.fullmatch(value) if isinstance(value, str) else None
    if reference:
        name = reference[1]
        if name.startswith("job.parameters."):
            own = name.removeprefix("job.parameters.")
            if own not in job_parameters:
                return f"{value}: no such job parameter{did_you_mean(own, job_parameters)}"
            return _mismatch(job_parameters[own], expected, {})
        if re.fullmatch(r"tasks\.[\w-]+\.(values\.\w+|result_state)", name):
            return None
        found = _REFERENCE_TYPES.get(name)
        if found is None:
            return f"{value}: no such reference{did_you_mean(name, _REFERENCE_TYPES)}"
    else:
        found = _type_of(value)
    fits = expected == "string" and (reference is not None or found == "string" or found == "date")
    if fits or found == expected or (expected, found) == ("number", "integer"):
        return None
    return f"expected {expected}, found {value!r}"


def _type_of(value: Value) -> ParameterType:
    match value:
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case date():
            return "date"
    try:
        date.fromisoformat(value)
    except ValueError:
        return "string"
    return "date"
