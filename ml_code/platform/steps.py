"""The manifest of steps (steps.yaml) and the check of a task's arguments against it."""

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from ml_code.platform.configuration import Section, parse, read_yaml
from ml_code.platform.errors import StepError

if TYPE_CHECKING:
    from ml_code.context import Context

Value = str | int | float | bool | date
Kind = Literal["string", "integer", "number", "boolean", "date"]


class BadArguments(StepError):
    """Unknown step, unknown, missing or ill-typed parameter; exit code 2."""


class Parameter(Section):
    """One typed parameter; required when it has no default."""

    type: Kind
    description: str
    default: str | int | float | bool | None = None


class Step(Section):
    """A step as the manifest has it."""

    module: str
    description: str
    parameters: dict[str, Parameter] = Field(default_factory=dict)


class _File(Section):
    entry: str
    steps: dict[str, Step]


@dataclass(frozen=True)
class NamedStep:
    """A step that can be called."""

    name: str
    step: Step

    def call(self, context: "Context", parameters: Mapping[str, Value]) -> Any:
        """Import the step's module and run it; what every step takes is in the context already."""
        run = importlib.import_module(self.step.module).run
        return run(context, **parameters)


@dataclass(frozen=True)
class Manifest:
    """All steps, and how a command line is read against them."""

    entry: str
    steps: dict[str, Step]

    def parse(self, argv: Sequence[str]) -> tuple[NamedStep, dict[str, Value]]:
        """The step and its typed parameters (defaults filled in). Raises BadArguments."""
        if not argv:
            raise BadArguments(f"no step given; expected one of {', '.join(self.steps)}")
        name = argv[0]
        step = self.steps.get(name)
        if step is None:
            raise BadArguments(f"unknown step {name!r}; expected one of {', '.join(self.steps)}")
        given = _pairs(name, argv[1:])
        if unknown := sorted(set(given) - set(step.parameters)):
            raise BadArguments(f"{name}: unknown parameter {', '.join(unknown)}; expected {', '.join(step.parameters)}")
        values: dict[str, Value] = {}
        for key, parameter in step.parameters.items():
            if key in given:
                values[key] = convert(given[key], parameter.type, f"{name}: --{key}")
            elif parameter.default is not None:
                values[key] = convert(str(parameter.default), parameter.type, f"{name}: --{key}")
            else:
                raise BadArguments(f"{name}: missing --{key} ({parameter.type}): {parameter.description}")
        return NamedStep(name, step), values


def read_manifest(root: str | Path) -> Manifest:
    """The manifest of the checkout at root. Raises ConfigurationError."""
    path = Path(root) / "ml_code" / "steps.yaml"
    file = parse(_File, read_yaml(path), "ml_code/steps.yaml")
    return Manifest(file.entry, file.steps)


def convert(text: str, kind: Kind, where: str) -> Value:
    """A parameter's text as its type. Raises BadArguments naming where and what was expected."""
    try:
        if kind == "integer":
            return int(text)
        if kind == "number":
            return float(text)
        if kind == "boolean":
            return {"true": True, "false": False}[text.lower()]
        if kind == "date":
            return date.fromisoformat(text)
    except (ValueError, KeyError):
        expected = {"boolean": "true or false", "date": "a date like 2026-01-31"}.get(kind, f"a {kind}")
        raise BadArguments(f"{where}: expected {expected}, found {text!r}") from None
    return text


def _pairs(step: str, arguments: Sequence[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    rest = list(arguments)
    while rest:
        key = rest.pop(0)
        if not key.startswith("--"):
            raise BadArguments(f"{step}: expected --name value, found {key!r}")
        name, equals, value = key[2:].partition("=")
        if not equals:
            if not rest:
                raise BadArguments(f"{step}: --{name} has no value")
            value = rest.pop(0)
        if name in pairs:
            raise BadArguments(f"{step}: --{name} is given twice")
        pairs[name] = value
    return pairs
