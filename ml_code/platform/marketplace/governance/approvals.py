"""approvals.yaml: who may use which model of the hub, in which workspaces, and until when."""

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from ml_code.platform.configuration import Section, parse, read_yaml
from ml_code.platform.errors import ConfigurationError

FILE = Path("ml_code/marketplace/approvals.yaml")
"""From the repository's root."""

Name = Annotated[str, Field(pattern=r"^\S(.*\S)?$")]
ModelName = Annotated[str, Field(pattern=r"^[^\s/:*?]([^/:*?]*[^\s/:*?])?$")]
Workspace = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]
Email = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]


class Approval(Section):
    """One model that some may use until a day."""

    model: ModelName
    """Registered model of the hub, without catalog and schema."""
    principals: Annotated[tuple[Name, ...], Field(min_length=1)]
    """Groups, mail addresses of users, application ids of service principals."""
    workspaces: tuple[Workspace, ...] = ()
    """Consumers that may bring it into their registry."""
    versions: tuple[Annotated[int, Field(ge=1)], ...] = ()
    """The hub's versions that may be brought; none: whichever is champion."""
    until: datetime.date
    """Last day on which it holds."""
    approved_by: Email
    reason: Annotated[str, Field(min_length=10)]

    def holds(self, day: datetime.date) -> bool:
        """Whether it has not ended."""
        return day <= self.until


class _File(Section):
    approvals: tuple[Approval, ...] = ()


def read_approvals(root: str | Path) -> tuple[Approval, ...]:
    """The approvals of the checkout at root, ended ones too. Raises ConfigurationError with all that is wrong."""
    return parse_approvals(read_yaml(Path(root) / FILE))


def parse_approvals(raw: Any) -> tuple[Approval, ...]:
    """Parsed YAML as approvals. Raises ConfigurationError, naming file and key."""
    approvals = parse(_File, raw, str(FILE)).approvals
    if twice := list(_twice(approvals)):
        raise ConfigurationError("\n".join(twice))
    return approvals


def _twice(approvals: tuple[Approval, ...]) -> Iterator[str]:
    """Two entries for one principal would leave open which of their days and versions count."""
    seen: dict[tuple[str, str], int] = {}
    for index, approval in enumerate(approvals):
        for principal in approval.principals:
            first = seen.setdefault((approval.model, principal), index)
            if first != index:
                yield (
                    f"{FILE}: approvals.{index}: {approval.model} is approved for {principal} already by"
                    f" approvals.{first}: make it one entry"
                )
        for name in {each for each in approval.principals if approval.principals.count(each) > 1}:
            yield f"{FILE}: approvals.{index}.principals: {name} is named twice"
