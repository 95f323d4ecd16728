"""The admin stacks: deployed in their order, and destroyed in the other."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ci.apply.stacks import half_made
from ci.bootstrap.report import Way
from ci.errors import Trouble
from ci.plan.model import Action, Change
from ci.plan.read import read_changes
from ci.repository import ROOT
from ci.terraform.errors import TerraformFailed
from ci.terraform.runner import Terraform
from ci.terraform.synthesis import Kind, Synthesis, SynthesizedStack, synthesize
from infra.settings import Settings

_ENDED = re.compile(r"^\S+: (Import|Creation|Modifications|Destruction) complete|failed, again in ")
_LOSSES = (Action.DESTROY, Action.REPLACE, Action.FORGET)


def in_order(environments: Iterable[Settings]) -> list[Settings]:
    """What makes objects that others share comes first."""
    return sorted(environments, key=lambda settings: not settings.values.workspace.makes_shared_objects)


def share_workspace(one: Settings, other: Settings) -> bool:
    """Whether two environments live in the same workspace, as far as the settings tell."""
    first, second = one.values.workspace, other.values.workspace
    return (first.host, first.profile) == (second.host, second.profile)


def synthesize_own(environments: Sequence[Settings], root: Path = ROOT) -> Synthesis:
    """The environments' own stacks, no copy's, whatever branch is checked out."""
    variables = {**os.environ, "BRANCH": environments[0].values.branch}
    names = [settings.environment for settings in environments]
    return synthesize(names, root / ".branchline" / "bootstrap", root=root, variables=variables)


class AdminStacks:
    """The admin stacks as the administrator deploys them.

    Environments `without_state`, whose state has no place yet or any more, hold nothing.
    """

    def __init__(self, synthesis: Synthesis, way: Way, *, without_state: Collection[str] = ()) -> None:
        self._synthesis = synthesis
        self._way = way
        self._without_state = without_state

    def plan(self, settings: Settings) -> tuple[Change, ...]:
        """What a deployment would do; its plan lies ready for `apply`. Raises Trouble where it would destroy."""
        stack = self._stack(settings, "admin")
        terraform = self._terraform(stack)
        terraform.init()
        changes = read_changes(terraform.plan(lock=self._locked))
        lost = {change.address for change in changes if change.action in _LOSSES}
        if lost:
            lost -= half_made(stack, self._way.credentials)  # what an interrupted deployment left is made anew
        if lost:
            terraform.forget_plan()
            raise Trouble(
                f"{stack.name} exists, and its deployment would destroy {', '.join(sorted(lost))}: bootstrap only"
                f" makes. Look with 'branchline plan {settings.environment}', deploy it with 'branchline apply'"
            )
        return changes

    def plan_removal(self, settings: Settings) -> tuple[Change, ...]:
        """What the stack's removal would destroy; its plan lies ready for `apply`."""
        if settings.environment in self._without_state:
            return ()
        terraform = self._terraform(self._stack(settings, "admin"))
        terraform.init()
        return read_changes(terraform.plan(destroy=True, lock=self._locked))

    def apply(self, settings: Settings) -> None:
        """Applies the plan that was made last; interrupted, it waits until Terraform has ended what it had begun."""
        terraform = self._terraform(self._stack(settings, "admin"))
        try:
            # In a thread of its own: an interruption here would close the pipe through which Terraform speaks.
            with ThreadPoolExecutor(max_workers=1) as pool:
                pool.submit(terraform.apply_planned).result()
        except TerraformFailed as error:
            if "already exists" not in error.output:
                raise
            raise TerraformFailed(
                f"{error}\nThese are in the workspace, but the state does not know them: a killed deployment may have"
                " left them, or they are somebody else's. Take them over (docs/guides/adopt-existing-objects.md), or"
                " remove them; then run the same again.",
                error.output,
            ) from error

    def forget(self, settings: Settings) -> None:
        """Throws the plan away that was made last."""
        self._terraform(self._stack(settings, "admin")).forget_plan()

    def held(self, settings: Settings, kind: Kind) -> list[str]:
        """The addresses in the state of one of the environment's stacks."""
        if settings.environment in self._without_state:
            return []
        terraform = self._terraform(self._stack(settings, kind))
        terraform.init()
        return terraform.resources()

    def _hear(self, line: str) -> None:
        """Of all that Terraform says: what has come to an end."""
        if _ENDED.search(line):
            self._way.hear(line)

    @property
    def _locked(self) -> bool:
        """A dry run only reads; taking a lock would already write."""
        return not self._way.dry_run

    def _stack(self, settings: Settings, kind: Kind) -> SynthesizedStack:
        return next(iter(self._synthesis.of([settings.environment], [kind])))

    def _terraform(self, stack: SynthesizedStack) -> Terraform:
        return Terraform(stack, self._way.credentials.variables(stack.environment, "admin"), self._hear)


def listed(changes: Iterable[Change]) -> tuple[str, ...]:
    """`create databricks_group.engineers` and so on."""
    return tuple(f"{change.action.value} {change.address}" for change in changes)


def counted(changes: Iterable[Change]) -> str:
    """`23 create, 1 update`, or `no changes`."""
    counts = Counter(change.action.value for change in changes)
    return ", ".join(f"{count} {action}" for action, count in sorted(counts.items())) or "no changes"
