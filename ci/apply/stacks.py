"""Applying one stack: the very plan that was checked; after a passing fault what is left of it, and nothing else."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from ci.apply.coverage import uncovered
from ci.errors import Trouble
from ci.plan.make import plan_to_apply
from ci.plan.model import Action, Change, StackPlan
from ci.terraform.credentials import Credentials
from ci.terraform.errors import TerraformFailed
from ci.terraform.runner import Terraform
from ci.terraform.synthesis import SynthesizedStack

Say = Callable[[str], None]

_TRIES, _FIRST_WAIT = 3, 2.0
_ENDED = re.compile(r"^(\S+): (Creation|Modifications|Destruction) complete")
_ENDS = {
    Action.CREATE: "Creation",
    Action.REPLACE: "Creation",
    Action.UPDATE: "Modifications",
    Action.DESTROY: "Destruction",
}


class StackFailed(Trouble):
    """A stack is not applied, or not all of it; `left` are the addresses that are not known to be done."""

    def __init__(self, message: str, left: Sequence[str]) -> None:
        super().__init__(message)
        self.left = tuple(left)


class StackApply:
    """One stack of an environment under way."""

    def __init__(
        self, stack: SynthesizedStack, approved: Sequence[StackPlan], credentials: Credentials, say: Say, log: Say
    ) -> None:
        self.stack = stack
        self._approved = approved
        self._credentials = credentials
        self._say = say
        self._log = log
        self._done: set[tuple[str, str]] = set()

    def replan(self) -> StackPlan:
        """The stack's plan now. Raises Trouble where there is none, or where it holds what was not approved."""
        planned = plan_to_apply(self.stack, self._credentials, say=self._say)
        if planned.problem:
            raise Trouble(f"{self.stack.name} cannot be planned: {planned.problem}")
        reasons = uncovered([planned], self._approved, {self.stack.name: half_made(self.stack, self._credentials)})
        if reasons:
            listed = "\n".join(f"  {reason}" for reason in reasons)
            raise Trouble(
                f"{self.stack.name} would now do what was not approved:\n{listed}\nPlan again and have that approved."
            )
        return planned

    def apply(self, planned: StackPlan) -> None:
        """Applies the plan that lies in the stack's folder; raises StackFailed.

        Where the workspace seems to be at fault for a moment, what is left is planned, checked and applied again.
        """
        changes, wait = planned.changes, _FIRST_WAIT
        for attempt in range(1, _TRIES + 1):
            try:
                self._apply_planned()
                return
            except TerraformFailed as error:
                left = self._left(changes)
                if not error.transient or attempt == _TRIES:
                    tried = f"\nTried {attempt} times; what was applied is in the state." if attempt > 1 else ""
                    raise StackFailed(f"{error}{tried}", left) from error
                self._say(f"{self.stack.name}: interrupted by the workspace, what is left again in {wait:.0f} s")
            time.sleep(wait * random.uniform(0.75, 1.25))  # noqa: S311 - several deployments should not knock at once
            wait *= 2
            try:
                if not self.replan().changes:
                    return
            except Trouble as error:
                raise StackFailed(str(error), left) from error

    def _apply_planned(self) -> None:
        """In a thread of its own: an interruption must not tear the pipe through which Terraform speaks."""
        variables = self._credentials.variables(self.stack.environment, self.stack.kind)
        terraform = Terraform(self.stack, variables, log=self._hear, say=self._say)
        with ThreadPoolExecutor(max_workers=1) as pool:
            applying = pool.submit(terraform.apply_planned)
            try:
                applying.result()
            except KeyboardInterrupt:
                self._say(f"{self.stack.name}: interrupted; Terraform ends what it has begun …")
                applying.exception()
                raise

    def _hear(self, line: str) -> None:
        self._log(line)
        ended = _ENDED.match(line)
        if ended:
            self._done.add((ended[1], ended[2]))
            self._say(f"{self.stack.name}: {line}")

    def _left(self, changes: Sequence[Change]) -> list[str]:
        return [change.address for change in changes if (change.address, _ENDS.get(change.action)) not in self._done]


def half_made(stack: SynthesizedStack, credentials: Credentials) -> set[str]:
    """The objects that Terraform began to create and does not trust: those that its state calls tainted."""
    state = Terraform(stack, credentials.variables(stack.environment, stack.kind)).state()
    resources = state.get("values", {}).get("root_module", {}).get("resources", [])
    return {resource["address"] for resource in resources if resource.get("tainted")}
