"""Strict reading of the project's YAML files: every error names the file, the key and what was expected."""

import json
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from ml_code.platform.errors import ConfigurationError


class Section(BaseModel):
    """Base of everything read from YAML: frozen, no unknown keys, no silent conversion of types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


Model = TypeVar("Model", bound=BaseModel)

# The same safe loader in C, ten times as fast; wheels have it, a build from source may not.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(path: Path) -> Any:
    """The parsed file. Raises ConfigurationError with the line when it is missing or not YAML."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506  # a safe loader
    except FileNotFoundError:
        raise ConfigurationError(f"{path.name}: file not found; expected at {path}") from None
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        line = f" line {where.line + 1}" if where else ""
        problem = getattr(error, "problem", None) or "cannot be parsed"
        raise ConfigurationError(f"{path.name}:{line} is not valid YAML: {problem}") from None


def parse(model: type[Model], raw: Any, file: str) -> Model:
    """Raw YAML as the typed model. Raises ConfigurationError naming file, key and what was expected."""
    if not isinstance(raw, dict):
        raise ConfigurationError(f"{file}: expected a mapping at the top, found {type(raw).__name__}")
    try:
        # By way of JSON, whose rules turn lists into tuples and texts into dates even when strict.
        return model.model_validate_json(json.dumps(raw, default=str))
    except ValidationError as error:
        lines = [f"{file}: {_describe(problem)}" for problem in error.errors()]
        raise ConfigurationError("\n".join(lines)) from None


def merge(base: Any, override: Any) -> Any:
    """Deep merge of mappings; lists and scalars of the override replace those of the base."""
    if isinstance(base, dict) and isinstance(override, dict):
        return base | {key: merge(base.get(key), value) for key, value in override.items()}
    return override


def _describe(problem: Any) -> str:
    key = ".".join(str(part) for part in problem["loc"]) or "(top)"
    kind = problem["type"]
    if kind == "extra_forbidden":
        return f"{key}: unknown key"
    if kind == "missing":
        return f"{key}: missing; expected a value"
    expected = problem["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return f"{key}: {expected}, found {problem['input']!r}"
