"""What a plan says: defaults, values known after apply, suppressed differences and what forces a replacement.

The rules are those of Terraform's plugin SDK v2, on which the real provider stands: an argument that is left out equals
its zero value, an optional and computed one keeps what the workspace answered, and each suppression of `_SUPPRESSIONS`
hides a difference that means nothing.
"""

from collections.abc import Callable
from typing import Any

from tf.types import Unknown

from infra.workspace.terraform.schemas import Attribute, Block, NestedBlock, Type
from infra.workspace.terraform.wire import PathStep, Value

State = dict[str, Any]

_ZEROES: tuple[Value, ...] = (None, "", False, 0, [], {})


def is_zero(value: Value) -> bool:
    """Whether the value says as much as leaving it out; a block of nothing but zeroes does."""
    if value is Unknown:
        return False
    if isinstance(value, dict):
        return all(is_zero(each) for each in value.values())
    if isinstance(value, list):
        return all(isinstance(each, dict) and is_zero(each) for each in value)
    return value in _ZEROES


class Plan:
    """The planned state of one resource and the paths that force its replacement."""

    def __init__(self, block: Block, config: State, prior: State | None, proposed: State) -> None:
        self.replace: list[list[PathStep]] = []
        self.state = self._block(block, config, prior, proposed, [])

    def _block(self, block: Block, config: State, prior: State | None, proposed: State, at: list[PathStep]) -> State:
        planned: State = {}
        for name, attribute in block.attributes.items():
            path = [*at, name]
            old = prior.get(name) if prior is not None else None
            new = _attribute(attribute, config.get(name), old, proposed.get(name), is_new=prior is None)
            if prior is not None and new != old and attribute.force_new:
                self.replace.append(path)
            planned[name] = new
        for name, nested in block.blocks.items():
            old = prior.get(name) if prior is not None else None
            planned[name] = self._nested(nested, config.get(name), old, proposed.get(name), [*at, name])
            if prior is not None and nested.force_new and len(planned[name] or ()) != len(old or ()):
                self.replace.append([*at, name])
        return planned

    def _nested(self, nested: NestedBlock, config: Value, prior: Value, proposed: Value, at: list[PathStep]) -> Value:
        if nested.nesting == "single" or not isinstance(proposed, list):
            return proposed
        if not config and prior and (nested.suppress == "unset" or is_zero(prior)):
            return prior
        planned = []
        for index, element in enumerate(proposed):
            written = _at(config, index) or {}
            if nested.nesting == "set":
                old = next((each for each in prior or [] if _same_element(each, element)), None)
                planned.append(self._block(nested.block, element, old, element, at))
            else:
                planned.append(self._block(nested.block, written, _at(prior, index), element, [*at, index]))
        return planned


def _at(values: Value, index: int) -> Any:
    return values[index] if isinstance(values, list) and index < len(values) else None


def _same_element(old: State, new: State) -> bool:
    return all(
        new.get(name) in (value, None, Unknown) or is_zero(new[name]) == is_zero(value) is True
        for name, value in old.items()
    )


def _attribute(attribute: Attribute, written: Value, old: Value, proposed: Value, *, is_new: bool) -> Value:
    if written is Unknown:
        return Unknown
    if written is None and attribute.default is not None:
        proposed = attribute.default
    if written is None and attribute.computed:
        return Unknown if is_new else old
    if is_new or proposed == old:
        return proposed
    if is_zero(proposed) and is_zero(old):
        return old
    if attribute.type[0] == "set" and _same_members(old, proposed):
        return old
    if attribute.suppress and _SUPPRESSIONS[attribute.suppress](old, proposed, written):
        return old
    return proposed


def _same_members(old: Value, new: Value) -> bool:
    return isinstance(old, list) and isinstance(new, list) and sorted(map(str, old)) == sorted(map(str, new))


def _text(value: Value) -> str:
    return value if isinstance(value, str) else ""


def _without_spaces(value: Value) -> str:
    return "".join(_text(value).split())


def _slash(old: Value, new: Value, _: Value) -> bool:
    return _text(old).rstrip("/") == _text(new).rstrip("/")


def _is_unset(old: Value, new: Value, written: Value) -> bool:
    return written is None and not is_zero(old)


def _security_mode(old: Value, new: Value, written: Value) -> bool:
    """The modes' older and newer names, of which the workspace may answer either."""
    same = {
        ("SINGLE_USER", "DATA_SECURITY_MODE_DEDICATED"),
        ("USER_ISOLATION", "DATA_SECURITY_MODE_STANDARD"),
        ("SINGLE_USER", "DATA_SECURITY_MODE_AUTO"),
        ("USER_ISOLATION", "DATA_SECURITY_MODE_AUTO"),
    }
    return _is_unset(old, new, written) or (old, new) in same


_COLUMN_TYPES = {
    "integer": "int",
    "long": "bigint",
    "real": "float",
    "short": "smallint",
    "byte": "tinyint",
    "dec": "decimal",
}


def _column_type(old: Value, new: Value, _: Value) -> bool:
    plain = [_without_spaces(each).lower() for each in (old, new)]
    return _COLUMN_TYPES.get(plain[0], plain[0]) == _COLUMN_TYPES.get(plain[1], plain[1])


_SUPPRESSIONS: dict[str, Callable[[Value, Value, Value], bool]] = {
    "unset": _is_unset,
    "case": lambda old, new, _: _text(old).casefold() == _text(new).casefold(),
    "whitespace": lambda old, new, _: _without_spaces(old) == _without_spaces(new),
    "slash": _slash,
    "slash_or_unset": lambda old, new, written: _slash(old, new, written) or _is_unset(old, new, written),
    "workspace_path": lambda old, new, _: _workspace_path(old) == _workspace_path(new),
    "security_mode": _security_mode,
    "local": lambda old, new, _: old is None and new is False,
    "run_if": lambda old, new, written: written is None and old == "ALL_SUCCESS",
    "column_type": _column_type,
    "format": lambda old, new, written: _is_unset(old, new, written) or _text(old).casefold() == _text(new).casefold(),
}


def _workspace_path(path: Value) -> str:
    return _text(path).removeprefix("/Workspace").rstrip("/")


def settle(block: Block, known: State, answered: State) -> State:
    """The state after a read: what the workspace answered over what was known before.

    A name that the answer does not carry keeps its known value, and a zero stands for a value left out, so that an
    answer that spells out a default makes no difference.
    """
    settled = dict(known)
    for name, value in answered.items():
        nested = block.blocks.get(name)
        old = known.get(name)
        if nested is not None and nested.nesting == "list" and isinstance(value, list):
            settled[name] = _settle_list(nested, old, value)
        elif nested is not None and nested.nesting == "set" and isinstance(value, list):
            settled[name] = [
                _filled(nested.block, settle(nested.block, _missing(nested.block), each)) for each in value
            ]
        elif name in block.attributes or nested is not None:
            settled[name] = old if is_zero(value) and is_zero(old) and name not in _computed(block) else value
            if value is None and is_zero(old):
                settled[name] = old
    return settled


def _computed(block: Block) -> set[str]:
    return {name for name, attribute in block.attributes.items() if attribute.computed}


def _settle_list(nested: NestedBlock, known: Value, answered: list[State]) -> list[State]:
    if not known and is_zero(answered):
        return []
    if known and not answered and is_zero(known):
        return list(known)
    empty = _missing(nested.block)
    return [
        _filled(nested.block, settle(nested.block, {**empty, **(_at(known, index) or {})}, {**empty, **each}))
        for index, each in enumerate(answered)
    ]


def _missing(block: Block) -> State:
    lists: State = {name: [] for name, each in block.blocks.items() if each.nesting != "single"}
    return {**dict.fromkeys(block.attributes), **lists}


def _filled(block: Block, state: State) -> State:
    """A block's element with zero values for what is null, as the plugin SDK writes them inside blocks."""
    zeroes = {name: _zero(attribute.type) for name, attribute in block.attributes.items()}
    return {name: zeroes.get(name) if value is None else value for name, value in state.items()}


def _zero(kind: Type) -> Value:
    if isinstance(kind, str):
        return {"string": "", "number": 0, "bool": False}.get(kind)
    return {} if kind[0] == "map" else [] if kind[0] in ("list", "set") else None
