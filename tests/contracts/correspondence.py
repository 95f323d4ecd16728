"""Which id of this run stands for which id of the recording."""

from __future__ import annotations

import re
from typing import Any

_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_LONG_HEX = r"\b(?=[0-9a-fA-F]*[0-9])[0-9a-fA-F]{16,}\b"
_LONG_NUMBER = r"\b[0-9]{5,}\b"
_NUMBER_IN_PATH = r"(?<=/)[0-9]+(?=$|[/?])"
_NUMBER_OF_A_JOB = r"(?<=[Jj]ob )[0-9]+"
_IDS = re.compile("|".join((_UUID, _LONG_HEX, _LONG_NUMBER, _NUMBER_IN_PATH, _NUMBER_OF_A_JOB)))
_ESCAPE_OR_SEPARATOR = re.compile(r"(%[0-9A-Fa-f]{2}|[&=])")


def names_an_id(key: str) -> bool:
    """Whether what stands under this key of a body or a query is an id, however short."""
    return key == "id" or key.endswith("_id")


class Correspondence:
    """One to one: an id that stands for two others is a mistake of the workspace's, and `learn` says so."""

    def __init__(self) -> None:
        self._actual: dict[str, str] = {}
        self._recorded: dict[str, str] = {}

    def learn(self, recorded: str, actual: str) -> str | None:
        """Takes note of a pair; returns what is wrong with it, in words."""
        known = self._actual.setdefault(recorded, actual)
        back = self._recorded.setdefault(actual, recorded)
        if known != actual:
            return f"id {actual}, but what was {recorded} in the recording is {known} here"
        return f"id {actual} stands for {back} already, not for {recorded}" if back != recorded else None

    def knows(self, recorded: str, actual: str) -> bool:
        return self._actual.get(recorded) == actual

    def in_text(self, text: str) -> str:
        return _IDS.sub(lambda found: self._actual.get(found[0], found[0]), text)

    def in_path(self, path: str) -> str:
        """The ids of a path and its query, escapes and separators left as they are."""
        path, mark, query = path.partition("?")
        parts = _ESCAPE_OR_SEPARATOR.split(query)
        for at, part in enumerate(parts):
            of_id = at >= 2 and parts[at - 1] == "=" and names_an_id(parts[at - 2])
            parts[at] = self._actual.get(part, part) if of_id else self.in_text(part)
        return self.in_text(path) + mark + "".join(parts)

    def in_body(self, value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: self.in_body(each, name) for name, each in value.items()}
        if isinstance(value, list):
            return [self.in_body(each, key) for each in value]
        if names_an_id(key) and isinstance(value, str | int):
            return type(value)(self._actual.get(str(value), value))
        return self.in_text(value) if isinstance(value, str) else value


def split_ids(text: str) -> tuple[str, list[str]]:
    """A text with its ids taken out, and the ids."""
    return _IDS.sub("#", text), _IDS.findall(text)
