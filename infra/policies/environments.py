"""Which environment a stack belongs to, how strict it is there, and what its settings say."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path

from infra.settings import Settings, load_all
from infra.settings.loader import FOLDER, REPOSITORY

_DEVELOPMENT = "dev"
_BEFORE_PRODUCTION = (_DEVELOPMENT, "staging")
_ADMIN = "-admin"

_given: ContextVar[Mapping[str, Settings] | None] = ContextVar("settings to judge by", default=None)


class UnknownEnvironment(Exception):
    """A stack belongs to no environment of the settings."""


def environment_of(stack: str) -> str:
    """The environment of a stack: `prod` of `prod` and of `prod-admin`."""
    return stack.removesuffix(_ADMIN)


def is_production(environment: str) -> bool:
    """Whether real work depends on it; an environment of another name than dev and staging counts too."""
    return environment not in _BEFORE_PRODUCTION


def is_protected(environment: str) -> bool:
    """Whether its data, models and history are to be kept: all but dev's."""
    return environment != _DEVELOPMENT


def load_to_judge_by(
    folder: Path = FOLDER, repository: Path = REPOSITORY, variables: Mapping[str, str] = os.environ
) -> dict[str, Settings]:
    """Every environment's settings as their files say: what DESTROY_DATA would give up is not given up here."""
    kept = {name: value for name, value in variables.items() if name != "DESTROY_DATA"}
    return load_all(folder=folder, repository=repository, variables=kept)


@contextmanager
def judged_by(settings: Mapping[str, Settings]) -> Iterator[None]:
    """Checks inside use these settings; elsewhere they use this clone's."""
    token = _given.set(settings)
    try:
        yield
    finally:
        _given.reset(token)


def settings_of(environment: str) -> Settings:
    """The settings of an environment; raises UnknownEnvironment if there is none of that name."""
    settings = _given.get()
    if settings is None:
        settings = _of_this_clone()
    if environment not in settings:
        raise UnknownEnvironment(
            f"the settings have no environment '{environment}', they have {', '.join(sorted(settings))}"
        )
    return settings[environment]


@cache
def _of_this_clone() -> dict[str, Settings]:
    return load_to_judge_by()
