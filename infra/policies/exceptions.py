"""exceptions.yaml: objects that may break a policy for a while, who said so, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import yaml
from pydantic import Field

from infra.policies.policy import Policy, Severity
from infra.settings.base import Email, Strict
from infra.settings.errors import Problem, shown
from infra.settings.reading import parse_model

FILE = Path("infra/policies/exceptions.yaml")
"""From the repository's root."""
LONGEST_DAYS = 366
"""An exception ends within a year; whoever still needs it then asks anew."""

INVALID = Policy(
    "BRL_EXC_1",
    "Exceptions are complete and approved by somebody else",
    Severity.HIGH,
    "Give rule, resource (stack/address), reason, approver and until; the approver is not who writes the entry.",
    exceptable=False,
)
EXPIRED = Policy(
    "BRL_EXC_2",
    "Exceptions have not ended",
    Severity.HIGH,
    "Put right what was excepted, or have the exception approved anew.",
    exceptable=False,
)
UNUSED = Policy(
    "BRL_EXC_3",
    "Exceptions are needed",
    Severity.LOW,
    "Remove the entry: what it excepted is put right.",
    exceptable=False,
)


class PolicyException(Strict):
    """One object that may break one rule until a day."""

    rule: str = Field(pattern=r"^[A-Z]+2?(_[A-Z]+)*_[0-9]+$", description="id of the rule, such as BRL_DBX_11")
    resource: str = Field(
        pattern=r'^[a-z][a-z0-9_-]*/(data\.)?[a-z0-9_]+\.[A-Za-z0-9_-]+(\["?[^\]*?]+"?\])?$',
        description="stack and exact address, such as prod/databricks_grants.model; no wildcards",
    )
    reason: str = Field(min_length=10, description="why the rule cannot be kept for now")
    approver: Email = Field(description="who approved it; not who wrote the entry")
    until: date = Field(description="last day on which it holds, at most a year ahead")


class ExceptionsFile(Strict):
    """The whole file."""

    exceptions: tuple[PolicyException, ...] = Field((), description="all exceptions there are")


@dataclass(frozen=True)
class Entry:
    """An exception and the lines of the file that hold it, both ends included."""

    exception: PolicyException
    first_line: int
    last_line: int


def read_exceptions(root: Path) -> tuple[list[Entry], list[Problem]]:
    """The exceptions of a clone, or everything that is wrong with the file; without the file there are none."""
    path = root / FILE
    if not path.exists():
        return [], []
    text = path.read_text(encoding="utf-8")
    document, problems = parse_model(ExceptionsFile, text, shown(path, root))
    if document is None:
        return [], problems
    entries = [Entry(each, *lines) for each, lines in zip(document.exceptions, _lines(text), strict=True)]
    return entries, list(_repeated(entries, shown(path, root)))


def _lines(text: str) -> Iterator[tuple[int, int]]:
    tree = yaml.compose(text, Loader=yaml.SafeLoader)
    for _, value in tree.value if isinstance(tree, yaml.MappingNode) else ():
        for item in value.value:
            last = max(node.end_mark.line for pair in item.value for node in pair)
            yield item.start_mark.line + 1, last + 1


def _repeated(entries: list[Entry], file: str) -> Iterator[Problem]:
    seen: set[tuple[str, str]] = set()
    for entry in entries:
        key = (entry.exception.rule, entry.exception.resource)
        if key in seen:
            yield Problem(file, f"{key[0]} is excepted twice for {key[1]}", line=entry.first_line)
        seen.add(key)
