"""What a rollback works on: the remote's release branch, and one environment's workspace."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ci.apply.deploy import deploy
from ci.apply.report import Report
from ci.apply.request import Request
from ci.deployments.store import Deployments
from ci.plan.model import Plan
from ci.release.journal import JournalFile
from ci.release.models import Models
from ci.release.objects import write_commit
from ci.release.planning import plan_checkout
from ci.release.remote import Remote
from ci.repository import ROOT, find_commit, git
from ci.terraform.credentials import Credentials
from ci.terraform.synthesis import Kind
from infra.settings import Settings

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

Say = Callable[[str], None]
PlanCheckout = Callable[[Path, Settings, Sequence[Kind], str | None, Credentials, Say], Plan]
Deploy = Callable[[Request, Settings, Credentials, Say, Say], Report]


@dataclass(frozen=True)
class Wish:
    """Which release is to be restored, and on whose word."""

    tag: str
    approved: str | None = None
    plan_file: Path | None = None
    approver: str | None = None
    author: str | None = None
    destroys: tuple[str, ...] = ()
    """Addresses of objects with data that the restored stacks do not have, and that may go."""
    kinds: tuple[Kind, ...] = ("admin", "project")
    agreed: Callable[[Plan], bool] = lambda plan: True
    """Asked before a plan without approval is applied."""


@dataclass(frozen=True)
class Scene:
    """One environment and the branch that it runs."""

    settings: Settings
    client: WorkspaceClient
    credentials: Credentials
    remote_name: str = "origin"
    root: Path = ROOT
    say: Say = lambda line: None
    log: Say = lambda line: None
    plan: PlanCheckout = plan_checkout
    deploy: Deploy = deploy

    @property
    def models(self) -> Models:
        """The environment's registered model."""
        return Models(self.client, self.settings.model_full_name)

    @property
    def deployments(self) -> Deployments:
        """The environment's deployment records."""
        return Deployments(self.client, self.settings)

    @property
    def journal(self) -> JournalFile:
        """The environment's journal."""
        return JournalFile(self.client, self.settings)

    def ask(self) -> Remote:
        """The remote as it is now."""
        return Remote.ask(self.root, self.remote_name, [self.settings.branch])

    def tree(self, commit: str) -> str:
        """The hash of a commit's tree."""
        return git(self.root, "rev-parse", f"{commit}^{{tree}}")

    def contains(self, tip: str | None, commit: str) -> bool:
        """Whether a branch with that tip has the commit; one that this clone has never seen is on no branch."""
        if tip is None or find_commit(self.root, commit) is None:
            return False
        return git(self.root, "merge-base", tip, commit) == commit

    def commit_on(self, parent: str, tree: str, message: str, author: str | None) -> str:
        """A commit on top of the release branch. The same wish makes the same one on any machine: approvals name it.

        So its moment is its parent's, one second later, and an author who is named commits it too.
        """
        seconds = int(git(self.root, "show", "--no-patch", "--format=%ct", parent)) + 1
        name, _, rest = (author or "").partition("<")
        mail = rest.rstrip(">").strip() or (name.strip() if "@" in name else "")
        variables = {}
        for role in ("AUTHOR", "COMMITTER"):
            variables[f"GIT_{role}_DATE"] = f"{seconds} +0000"
            if author:
                variables |= {f"GIT_{role}_NAME": name.strip() or mail, f"GIT_{role}_EMAIL": mail}
        return write_commit(self.root, tree, [parent], message, variables)
