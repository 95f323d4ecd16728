"""Which copy a command means, who works on it, and what this clone knows of its branch."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from ci.apply.clients import client_of
from ci.errors import Trouble
from ci.repository import ROOT, git
from ci.terraform.credentials import Credentials
from infra.settings import Settings
from infra.settings.copies import copied_environment
from infra.settings.git import find_branch

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

_REF = "refs/heads/"
_OF_A_BRANCH = ("BRANCH", "COMMIT")


def branch_named(given: str | None, root: Path = ROOT) -> str:
    """The branch, also where a pipeline gives the whole ref; without any, the one that is checked out."""
    branch = (given or git(root, "branch", "--show-current")).removeprefix(_REF)
    if not branch:
        raise Trouble("no branch is checked out: name one with --branch")
    return branch


def credentials() -> Credentials:
    """The caller's, whatever branch the environment names: that one may be gone."""
    return Credentials(environment={name: value for name, value in os.environ.items() if name not in _OF_A_BRANCH})


def client() -> WorkspaceClient:
    """A client of the workspace that has the copies; a local one's administrator, as copies are a developer's."""
    return client_of(copied_environment(), "admin", credentials())


def working_folder(settings: Settings, root: Path = ROOT) -> Path:
    """Where a copy is synthesized and Terraform works on it."""
    return root / ".branchline" / "copies" / settings.prefix.rstrip("-")


def last_day_of_work(branch: str, root: Path = ROOT) -> date | None:
    """The UTC day of the branch's last commit: this clone's, else origin's as last fetched; None without the branch."""
    found = find_branch(root, branch)
    return found[1].day if found else None


def branches_at_origin(root: Path = ROOT) -> set[str]:
    """The branches that origin has now; raises Trouble if it does not answer."""
    listed = git(root, "ls-remote", "--heads", "origin")
    return {line.partition("\t")[2].removeprefix(_REF) for line in listed.splitlines()}
