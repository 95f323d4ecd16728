"""SCIM filters (RFC 7644, 3.4.2.2): text in, predicate over a resource's JSON out.

The filter parser on PyPI reads `a or b and c` as `(a or b) and c` and takes no escaped quotes, hence this one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from infra.workspace.identity.errors import ScimBadRequest

Predicate = Callable[[Any], bool]

_TOKEN = re.compile(
    r"""\s*(?:(?P<string>"(?:[^"\\]|\\.)*")|(?P<number>-?\d+(?:\.\d+)?(?![\w.]))"""
    r"""|(?P<word>[A-Za-z$][\w.:$-]*)|(?P<mark>[()\[\]]))"""
)
_CASE_EXACT = frozenset({"id", "externalid", "value", "$ref"})
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda found, wanted: bool(found == wanted),
    "co": lambda found, wanted: isinstance(found, str) and wanted in found,
    "sw": lambda found, wanted: isinstance(found, str) and found.startswith(wanted),
    "ew": lambda found, wanted: isinstance(found, str) and found.endswith(wanted),
    "gt": lambda found, wanted: bool(found > wanted),
    "ge": lambda found, wanted: bool(found >= wanted),
    "lt": lambda found, wanted: bool(found < wanted),
    "le": lambda found, wanted: bool(found <= wanted),
}
_LITERALS = {"true": True, "false": False, "null": None}


@lru_cache(maxsize=256)
def parse_filter(text: str) -> Predicate:
    """The predicate that a filter stands for; raises ScimBadRequest (invalidFilter) where it cannot be read."""
    parser = _Parser(text)
    predicate = parser.either()
    parser.expect_end()
    return predicate


def values_at(resource: Any, path: str) -> list[Any]:
    """The values at a dotted attribute path, attribute names in any case; lists on the way count by element."""
    found = [resource]
    for part in _without_urn(path).split("."):
        found = [value for item in found for value in _attribute(item, part)]
    return found


def _without_urn(path: str) -> str:
    return path.rpartition(":")[2] if path.lower().startswith("urn:") else path


def _attribute(item: Any, name: str) -> Iterator[Any]:
    if not isinstance(item, dict):
        return
    for key, value in item.items():
        if key.lower() == name.lower():
            yield from value if isinstance(value, list) else [value]


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(_tokens(text))
        self._position = 0

    def either(self) -> Predicate:
        parts = [self._both()]
        while self._accept("or"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else lambda item: any(part(item) for part in parts)

    def expect_end(self) -> None:
        if self._position < len(self._tokens):
            raise self._error(f"unexpected {self._tokens[self._position]}")

    def _both(self) -> Predicate:
        parts = [self._term()]
        while self._accept("and"):
            parts.append(self._term())
        return parts[0] if len(parts) == 1 else lambda item: all(part(item) for part in parts)

    def _term(self) -> Predicate:
        if self._accept("not"):
            self._expect("(")
            inner = self._closed(")")
            return lambda item: not inner(item)
        if self._accept("("):
            return self._closed(")")
        path = self._next("an attribute")
        if self._accept("["):
            inner = self._closed("]")
            return lambda item: any(inner(value) for value in values_at(item, path))
        return self._comparison(path)

    def _comparison(self, path: str) -> Predicate:
        operator = self._next("an operator").lower()
        if operator == "pr":
            return lambda item: any(value not in (None, "") for value in values_at(item, path))
        if operator == "ne":
            equal = self._compare(path, "eq")
            return lambda item: not equal(item)
        if operator not in _COMPARISONS:
            raise self._error(f"the operator {operator!r} is not supported")
        return self._compare(path, operator)

    def _compare(self, path: str, operator: str) -> Predicate:
        wanted = self._value()
        compare = _COMPARISONS[operator]
        fold = _without_urn(path).rpartition(".")[2].lower() not in _CASE_EXACT
        if operator in ("co", "sw", "ew") and not isinstance(wanted, str):
            raise self._error(f"{operator} compares with a string")
        wanted = _folded(wanted, fold)

        def matches(item: Any) -> bool:
            return any(_holds(compare, _folded(value, fold), wanted) for value in values_at(item, path))

        return matches

    def _value(self) -> Any:
        token = self._next("a value")
        if token.lower() in _LITERALS:
            return _LITERALS[token.lower()]
        try:
            return json.loads(token)
        except ValueError:
            raise self._error(f"{token} is neither a quoted string nor a number, true, false or null") from None

    def _closed(self, mark: str) -> Predicate:
        inner = self.either()
        self._expect(mark)
        return inner

    def _accept(self, word: str) -> bool:
        if self._position < len(self._tokens) and self._tokens[self._position].lower() == word:
            self._position += 1
            return True
        return False

    def _expect(self, mark: str) -> None:
        if not self._accept(mark):
            raise self._error(f"expected {mark!r}")

    def _next(self, what: str) -> str:
        if self._position >= len(self._tokens):
            raise self._error(f"expected {what} at the end")
        self._position += 1
        return self._tokens[self._position - 1]

    def _error(self, problem: str) -> ScimBadRequest:
        return ScimBadRequest(f"filter {self._text!r}: {problem}", "invalidFilter")


def _tokens(text: str) -> Iterator[str]:
    position, end = 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            raise ScimBadRequest(f"filter {text!r}: cannot read {text[position:].strip()!r}", "invalidFilter")
        yield match.group(match.lastgroup or 0)
        position = match.end()


def _folded(value: Any, fold: bool) -> Any:
    if isinstance(value, dict):
        value = value.get("value")
    return value.casefold() if fold and isinstance(value, str) else value


def _holds(compare: Callable[[Any, Any], bool], found: Any, wanted: Any) -> bool:
    try:
        return compare(found, wanted)
    except TypeError:
        return False
