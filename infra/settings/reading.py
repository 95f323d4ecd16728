"""From a YAML file to a model, with every problem located: file, line, key and what was expected."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from infra.settings.errors import Problem, did_you_mean, shown

ModelT = TypeVar("ModelT", bound=BaseModel)
Location = tuple[str | int, ...]

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_model(model: type[ModelT], path: Path, root: Path) -> tuple[ModelT | None, list[Problem]]:
    """The file as a `model`, or None and what is wrong with it."""
    file = shown(path, root)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return None, [Problem(file, f"cannot be read: {error}")]
    return parse_model(model, text, file)


def parse_model(model: type[ModelT], text: str, file: str) -> tuple[ModelT | None, list[Problem]]:
    """YAML text as a `model`, or None and what is wrong with it; `file` is how problems call the text."""
    try:
        tree = yaml.compose(text, Loader=_Loader)
        data = yaml.load(text, Loader=_Loader)  # noqa: S506 - the loader is a safe one, in C where available
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"column {mark.column + 1}: " if mark else ""
        reason = error.problem or error.context or "not YAML"
        return None, [Problem(file, f"{where}bad YAML: {reason}", line=mark.line + 1 if mark else None)]
    except yaml.YAMLError as error:
        return None, [Problem(file, f"bad YAML: {error}")]
    twice = [Problem(file, "is given twice", ".".join(map(str, key)), line) for key, line in _duplicates(tree)]
    if not isinstance(data, dict):
        return None, [*twice, Problem(file, f"expected keys and values, found {_found(data)}")]
    try:
        # Through JSON: strict typing then still takes a list for a tuple and a word for an enum.
        value = model.model_validate_json(json.dumps(data, default=str))
    except ValidationError as error:
        return None, [*twice, *(_problem(model, file, tree, e) for e in error.errors())]
    return (None, twice) if twice else (value, [])


def _problem(model: type[BaseModel], file: str, tree: yaml.Node | None, error: ErrorDetails) -> Problem:
    where, models, field = _walk(model, error["loc"])
    key, line = ".".join(map(str, where)), _line(tree, where)
    match error["type"]:
        case "extra_forbidden":
            known = {name for m in models for name in m.model_fields}
            return Problem(file, f"unknown key{did_you_mean(str(where[-1]), known)}", key, line)
        case "missing" | "union_tag_not_found":
            return Problem(file, f"missing; expected {_expected(field, error)}", key, line)
        case "value_error":
            return Problem(file, error["msg"].removeprefix("Value error, "), key, line)
    expected = f"expected {_expected(field, error)}"
    return Problem(file, f"{expected}, found {_found(error['input'])}", key, line)


def _walk(model: type[BaseModel], location: Location) -> tuple[Location, set[type[BaseModel]], FieldInfo | None]:
    """The key as the file has it (pydantic adds the branch of a union), the models that hold it, and its field."""
    models: set[type[BaseModel]] = {model}
    holders, field = models, None
    path: list[str | int] = []
    for part in location:
        branch = {m for m in models if part in (m.__name__, *_tag(m))}
        owner = next((m for m in models if part in m.model_fields), None)
        if owner is not None:
            holders, field = models, owner.model_fields[str(part)]
            models = set(_models_in(field.annotation))
        elif branch:
            models = holders = branch
            continue
        else:
            holders = models
        path.append(part)
    return tuple(path), holders, field


def _models_in(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)


def _tag(model: type[BaseModel]) -> tuple[object, ...]:
    kind = model.model_fields.get("type")
    return get_args(kind.annotation) if kind else ()


def _expected(field: FieldInfo | None, error: ErrorDetails) -> str:
    meaning = f" ({field.description})" if field and field.description else ""
    message = error["msg"]
    for opening in ("Input should be a valid ", "Input should be ", "Value should have ", "String should "):
        message = message.removeprefix(opening)
    if error["type"] in ("missing", "union_tag_not_found"):
        return f"a value{meaning}"
    if error["type"] == "string_pattern_mismatch":
        message = f"text that matches {error['ctx']['pattern']}"
    if error["type"] == "union_tag_invalid":
        message = f"type to be one of {error['ctx']['expected_tags']}"
    return f"{message}{meaning}"


def _found(value: object) -> str:
    match value:
        case None:
            return "nothing"
        case dict():
            return "keys and values"
        case list():
            return "a list"
    return repr(value)


def _line(tree: yaml.Node | None, where: Location) -> int | None:
    """Line of the deepest part of `where` that the file has; None where not even the first key is there."""
    node, line = tree, None
    for part in where:
        if isinstance(node, yaml.MappingNode):
            pair = next(((k, v) for k, v in node.value if k.value == str(part)), None)
            if pair is None:
                break
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line


def _duplicates(node: yaml.Node | None, above: Location = ()) -> Iterator[tuple[Location, int]]:
    """Keys that are given twice in one mapping: YAML would silently keep the last."""
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _duplicates(item, (*above, index))
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                yield (*above, key.value), key.start_mark.line + 1
            seen.add(key.value)
            yield from _duplicates(value, (*above, key.value))
