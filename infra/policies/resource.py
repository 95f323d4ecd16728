"""A block of a synthesized stack as checkov hands it over, without its uneven wrapping.

checkov wraps values of Terraform's JSON into lists, but not evenly: a text becomes `["a"]`, a list of texts `[["a"]]`,
a block `[{…}]`, a list of blocks stays as it is, and what lies below `tags` is not wrapped at all. Only this
file knows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from infra.policies.environments import environment_of, is_production, settings_of
from infra.policies.secrets import literal_secrets
from infra.settings import Settings

_OWN_OF_CHECKOV = ("//", "__startline__", "__endline__")


class Block:
    """Arguments and nested blocks by name, however they are wrapped; what is not there is None or empty."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self._content = content

    def value(self, key: str) -> Any:
        """A single argument, or None."""
        return next(iter(self.values(key)), None)

    def values(self, key: str) -> list[Any]:
        """The items of a list of texts, numbers or booleans; one argument is a list of one."""
        return [item for item in _flat(self._content.get(key)) if item is not None and not isinstance(item, Mapping)]

    def mapping(self, key: str) -> dict[str, Any]:
        """A map of texts: of `{a: b}`, and of blocks with a key and a value each."""
        found: dict[str, Any] = {}
        for block in self.blocks(key):
            if {"key", "value"} <= block.names():
                found[str(block.value("key"))] = block.value("value")
            else:
                found.update({name: block.value(name) for name in block.names()})
        return found

    def block(self, *path: str) -> Block:
        """The first block at a path of names, or an empty one."""
        found = self
        for key in path:
            found = next(iter(found.blocks(key)), Block({}))
        return found

    def blocks(self, key: str) -> list[Block]:
        """All blocks of a name, also those that a `dynamic` block would make."""
        found = [Block(item) for item in _flat(self._content.get(key)) if isinstance(item, Mapping)]
        if key != "dynamic" and "dynamic" in self._content:
            made = (maker for dynamic in self.blocks("dynamic") for maker in dynamic.blocks(key))
            found += [content for maker in made for content in maker.blocks("content")]
        return found

    def names(self) -> set[str]:
        """The names of all arguments and blocks that are set."""
        return {key for key, value in self._content.items() if key not in _OWN_OF_CHECKOV and _flat(value)}

    def literal_secrets(self) -> Iterator[tuple[str, str]]:
        """The path of each value that looks like a credential, and what it looks like."""
        yield from literal_secrets(self._content)

    def __bool__(self) -> bool:
        return bool(self.names())


class Resource(Block):
    """A resource, data source or provider of a stack."""

    def __init__(self, kind: str, name: str, content: Mapping[str, Any], file: str = "") -> None:
        super().__init__(content)
        self.kind = kind
        self.name = name
        self._file = file

    @cached_property
    def stack(self) -> str:
        """The stack's name: from what cdktf wrote beside the resource, else from the file's folder."""
        comment = self._content.get("//")
        path = comment.get("metadata", {}).get("path", "") if isinstance(comment, Mapping) else ""
        return str(path).partition("/")[0] or self._file.strip("/").rpartition("/")[0].rpartition("/")[2]

    @property
    def environment(self) -> str:
        """The stack's environment."""
        return environment_of(self.stack)

    @property
    def settings(self) -> Settings:
        """The environment's settings; raises UnknownEnvironment."""
        return settings_of(self.environment)

    @property
    def in_production(self) -> bool:
        """Whether real work depends on the stack; raises UnknownEnvironment."""
        return is_production(self.settings.environment)


def _flat(value: Any) -> list[Any]:
    if value is None:
        return []
    if isinstance(value, list):
        return [item for each in value for item in _flat(each)]
    return [value]
