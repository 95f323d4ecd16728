"""What is known of one deployment: who deployed which commit where, what was approved, and how far it came."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

from pydantic import ConfigDict, Field

from ci.plan.model import Frozen, StackPlan, digest_of

DeploymentState = Literal["applying", "applied", "failed"]
HookKind = Literal["run_job", "sync_repo", "refresh_dashboard"]
HookState = Literal["succeeded", "failed", "pending", "skipped"]

_TIME = "%Y-%m-%dT%H:%M:%SZ"


class HookResult(Frozen):
    """What became of one hook; `reason` says why it ran or was skipped, `message` how it ended."""

    name: str
    kind: HookKind
    state: HookState
    reason: str = ""
    run_id: int | None = Field(None, description="of a run_job hook, known from its start")
    message: str = ""


class Deployment(Frozen):
    """One deployment of one environment. Unknown keys are ignored: a rollback's older code reads newer records."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str = Field(description="`<UTC time>-<first 8 characters of the commit>`; the record's file name")
    project: str
    environment: str
    state: DeploymentState
    commit: str
    branch: str | None
    tag: str | None = Field(None, description="the release's tag")
    release_of: str | None = Field(None, description="the earlier tag that a rollback restored")
    stacks: dict[str, str] = Field(description="stack to its digest")
    ml_code_digest: str = Field(description="git's hash of the tree ml_code")
    digest: str = Field(description="of stacks and ML code: what is deployed")
    plan_digest: str = Field(description="the digest that was approved")
    approved_by: str | None = None
    author: str | None = None
    pull_request: int | None = None
    pipeline_url: str | None = None
    started_at: str
    ended_at: str | None = None
    by: str = Field(description="user name, or application id, of the principal that deployed")
    changes: tuple[StackPlan, ...] = Field((), description="what was approved")
    left: tuple[str, ...] = Field((), description="addresses that are not applied yet, as `<stack>: <address>`")
    hooks: tuple[HookResult, ...] = ()
    champion_before: str | None = None
    champion_after: str | None = None
    problem: str | None = Field(None, description="why it failed")

    @property
    def complete(self) -> bool:
        """Whether everything is applied and no hook is due any more."""
        return self.state == "applied" and not self.due_hooks

    @property
    def due_hooks(self) -> tuple[HookResult, ...]:
        """The hooks that failed or have not run yet."""
        return tuple(hook for hook in self.hooks if hook.state in ("failed", "pending"))


def deployed_digest(stacks: Mapping[str, str], ml_code_digest: str) -> str:
    """One digest for what an environment runs: its stacks and the ML code."""
    return digest_of({"stacks": dict(stacks), "ml_code": ml_code_digest})


def deployment_id(commit: str, moment: datetime) -> str:
    """Sorts by time: `20261120T110000Z-1a2b3c4d`."""
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}-{commit[:8]}"


def utc(moment: datetime) -> str:
    """A moment as records hold it."""
    return moment.astimezone(UTC).strftime(_TIME)
