"""Rules over plans: what they look at, and how a function becomes one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Protocol

from infra.policies.policy import Policy, Severity
from infra.settings import Settings

_FOLDER = "infra.policies.rules"


class Purpose(StrEnum):
    """What a plan is judged for."""

    REVIEW = "review"
    """A pull request shows it; nothing is applied from it."""
    APPLY = "apply"
    """It is to be approved and applied."""


class PlannedField(Protocol):
    """An argument before and after."""

    @property
    def path(self) -> str: ...
    @property
    def before(self) -> Any: ...
    @property
    def after(self) -> Any: ...


class PlannedChange(Protocol):
    """An object that a plan touches; `action` is create, update, replace, destroy, import or forget."""

    @property
    def address(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def action(self) -> str: ...
    @property
    def fields(self) -> Sequence[PlannedField]: ...
    @property
    def import_id(self) -> str | None: ...


class PlannedStack(Protocol):
    """A stack's plan, or the problem that stands in its place."""

    @property
    def stack(self) -> str: ...
    @property
    def environment(self) -> str: ...
    @property
    def changes(self) -> Sequence[PlannedChange]: ...
    @property
    def drift(self) -> Sequence[PlannedChange]: ...
    @property
    def problem(self) -> str | None: ...


@dataclass(frozen=True)
class Declared:
    """A loss that a commit of the change names: `Destroys: prod databricks_registered_model.model`."""

    environment: str
    address: str
    commit: str


@dataclass(frozen=True)
class BranchPosition:
    """Where the planned commit stands on an environment's branch."""

    exists: bool
    contains: bool
    is_tip: bool


@dataclass(frozen=True)
class Situation:
    """All that a rule may look at."""

    purpose: Purpose
    commit: str
    stacks: Sequence[PlannedStack]
    contents: Mapping[str, Mapping[str, Any]]
    """What was synthesized, by stack."""
    settings: Mapping[str, Settings]
    branches: Mapping[str, BranchPosition]
    """By environment."""
    bases: Mapping[str, str | None] = field(default_factory=dict)
    """By environment: the commit after which its change begins."""
    uncommitted: Sequence[str] = ()
    declared: Sequence[Declared] = ()
    misdeclared: Sequence[tuple[str, str]] = ()
    """Lines that begin as declarations and are none, each with its commit."""


@dataclass(frozen=True)
class Violation:
    """What is wrong with a stack, an object of it (by address) or a file."""

    message: str
    stack: str | None = None
    resource: str | None = None
    file: str | None = None
    warns: bool = False
    """Reported, without refusing the change."""


@dataclass(frozen=True)
class Rule:
    """A policy over plans."""

    policy: Policy
    judge: Callable[[Situation], Iterable[Violation]]


def rule(
    policy_id: str,
    name: str,
    *,
    advice: str,
    severity: Severity = Severity.HIGH,
    setting: str | None = None,
    exceptable: bool = False,
) -> Callable[[Callable[[Situation], Iterable[Violation]]], Rule]:
    """Makes a rule of a function that yields what a situation has wrong."""
    policy = Policy(policy_id, name, severity, advice, setting, exceptable)
    return lambda judge: Rule(policy, judge)


@cache
def load_rules() -> Mapping[str, Rule]:
    """Every rule of the folder by its id."""
    return {rule.policy.id: rule for rule in sorted(_rules(), key=lambda rule: rule.policy.id)}


def _rules() -> Iterator[Rule]:
    for module in iter_modules(import_module(_FOLDER).__path__):
        found = import_module(f"{_FOLDER}.{module.name}")
        yield from (value for value in vars(found).values() if isinstance(value, Rule))
