"""Stacks applied to the rehearsal's workspace, as those who apply them: the admin, and the service principal."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from ci.plan.model import StackPlan
from ci.plan.read import read_changes
from ci.rehearsal.stacks import Stacks
from ci.terraform.runner import Terraform
from ci.terraform.synthesis import SynthesizedStack
from infra.workspace import launch

Say = Callable[[str], None]
# A credential that the settings ask for is made of this: the workspace reads a local repository and needs none.
_NO_TOKEN = "rehearsal"  # noqa: S105 - it opens nothing


@dataclass(frozen=True)
class Planned:
    """A stack's plan, ready to be applied."""

    plan: StackPlan
    terraform: Terraform

    def apply(self) -> None:
        """Applies it, if there is anything to do; raises TerraformFailed."""
        if self.plan.changes:
            self.terraform.apply_planned()
        else:
            self.terraform.forget_plan()


class Deployer:
    """Plans stacks against one workspace; every failure is a Trouble with Terraform's words."""

    def __init__(self, running: launch.Running) -> None:
        self._running = running

    def plan(self, stacks: Stacks, stack: SynthesizedStack, say: Say) -> Planned:
        """The stack's plan as who applies it."""
        started = time.monotonic()
        principal = stacks.principal if stack.kind == "project" else None
        variables = launch.environment(self._running, principal)
        if "git_token" in stack.content.get("variable", {}):
            variables["TF_VAR_git_token"] = _NO_TOKEN
        terraform = Terraform(stack, variables, say)
        terraform.init()
        plan = StackPlan(
            stack=stack.name,
            environment=stack.environment,
            kind=stack.kind,
            stack_digest=stack.digest,
            changes=read_changes(terraform.plan()),
            seconds=round(time.monotonic() - started, 2),
        )
        return Planned(plan, terraform)

    def is_settled(self, stacks: Stacks, say: Say) -> bool:
        """Whether plans of all stacks find nothing to do."""
        for stack in stacks.all:
            planned = self.plan(stacks, stack, say)
            planned.terraform.forget_plan()
            if planned.plan.changes:
                return False
        return True
