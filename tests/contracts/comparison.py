"""Whether an answer keeps what the recorded one promised."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from tests.contracts.correspondence import Correspondence, names_an_id, split_ids

SECRET = "<secret>"
"""Stands in the recording for every token and secret."""
_OF_THE_RUN = re.compile(r"(_at|_time|_timestamp|_ms|^port)$")
"""Keys of values that no run shares with another."""
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?")


def differences(recorded: Any, actual: Any, ids: Correspondence, at: str = "", key: str = "") -> Iterator[str]:
    """What the recording has and the answer lacks or has otherwise; ids met on the way are learnt.

    More keys than recorded are no difference, more elements of a list are.
    """
    if type(recorded) is not type(actual):
        yield f"{at}: {type(recorded).__name__} {recorded!r} in the recording, {type(actual).__name__} {actual!r} here"
    elif isinstance(recorded, dict):
        for name, value in recorded.items():
            if name in actual:
                yield from differences(value, actual[name], ids, f"{at}.{name}", name)
            else:
                yield f"{at}.{name} is missing"
    elif isinstance(recorded, list):
        yield from _lists(recorded, actual, ids, at, key)
    elif (recorded == SECRET and actual) or _OF_THE_RUN.search(key):
        return
    elif names_an_id(key):
        yield from _wrong(ids.learn(str(recorded), str(actual)), at)
    elif isinstance(recorded, str):
        yield from _texts(recorded, actual, ids, at)
    elif recorded != actual:
        yield f"{at}: {recorded!r} in the recording, {actual!r} here"


def _lists(recorded: list[Any], actual: list[Any], ids: Correspondence, at: str, key: str) -> Iterator[str]:
    """Each element against the first one that fits it: what is sorted by an id has another order in each run."""
    if len(recorded) != len(actual):
        yield f"{at}: {len(recorded)} elements in the recording, {len(actual)} here: {actual!r}"
        return
    left = list(actual)
    for index, element in enumerate(recorded):
        fitting = next((each for each in left if _fits(element, each, ids, key)), left[0])
        left.remove(fitting)
        yield from differences(element, fitting, ids, f"{at}[{index}]", key)


def _fits(recorded: Any, actual: Any, ids: Correspondence, key: str) -> bool:
    return next(differences(recorded, actual, deepcopy(ids), key=key), None) is None


def _texts(recorded: str, actual: str, ids: Correspondence, at: str) -> Iterator[str]:
    frame, recorded_ids = split_ids(_TIME.sub("<time>", recorded))
    actual_frame, actual_ids = split_ids(_TIME.sub("<time>", actual))
    if frame != actual_frame:
        yield f"{at}: {recorded!r} in the recording, {actual!r} here"
        return
    for one, other in zip(recorded_ids, actual_ids, strict=True):
        yield from _wrong(ids.learn(one, other), at)


def _wrong(complaint: str | None, at: str) -> Iterator[str]:
    if complaint:
        yield f"{at}: {complaint}"
