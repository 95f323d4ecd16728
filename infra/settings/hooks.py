"""What follows a deployment: hooks that run once the stacks are applied, in their order."""

from enum import StrEnum
from typing import Literal, Self

from pydantic import Field, model_validator

from infra.settings.base import Strict, Text

HookKind = Literal["run_job", "sync_repo", "refresh_dashboard"]


class When(StrEnum):
    """After which deployments a hook runs; compared with the last one whose stacks were all applied."""

    ALWAYS = "always"
    """After each, whatever it changed."""
    CODE = "code"
    """When ml_code is another than it was."""
    STACKS = "stacks"
    """When something in a stack was changed."""
    CHANGE = "change"
    """When either was."""


class Hook(Strict):
    """One thing to do after a deployment: exactly one of run_job, sync_repo and refresh_dashboard."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,31}$", description="name in reports, such as train")
    run_job: Text | None = Field(None, description="run a job to its end: its short name, such as training")
    sync_repo: Text | None = Field(None, description="workspace path of a git folder to bring to its branch's head")
    refresh_dashboard: Text | None = Field(None, description="name or id of a dashboard to publish anew")
    when: When = Field(When.CHANGE, description="after which deployments it runs")
    parameters: dict[str, Text] = Field(default_factory=dict, description="job parameters, for run_job alone")

    @property
    def kind(self) -> HookKind:
        """Which of the three it is."""
        if self.run_job:
            return "run_job"
        return "sync_repo" if self.sync_repo else "refresh_dashboard"

    @model_validator(mode="after")
    def one_thing(self) -> Self:
        """A hook that does several things could succeed by half."""
        given = [key for key in ("run_job", "sync_repo", "refresh_dashboard") if getattr(self, key)]
        if len(given) != 1:
            found = " and ".join(given) or "none"
            raise ValueError(f"expected exactly one of run_job, sync_repo and refresh_dashboard, found {found}")
        if self.parameters and not self.run_job:
            raise ValueError(f"parameters: only run_job takes them, found them with {given[0]}")
        return self
