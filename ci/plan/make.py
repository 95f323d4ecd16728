"""Planning stacks: synthesized once, planned side by side."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ci.errors import Trouble
from ci.plan.model import Plan, StackPlan
from ci.plan.read import read_changes
from ci.repository import ROOT, git, uncommitted_of_deployment
from ci.terraform.credentials import Credentials
from ci.terraform.runner import Terraform
from ci.terraform.synthesis import Kind, Synthesis, SynthesizedStack, default_outdir, synthesize
from infra.workspace.launch import LaunchError

_AT_ONCE = 6
_CODE = "ml_code"
_Variables = Mapping[str, str] | str


def make_plan(
    environments: Sequence[str],
    *,
    kinds: Sequence[Kind] = ("admin", "project"),
    root: Path = ROOT,
    outdir: Path | None = None,
    credentials: Credentials | None = None,
    variables: Mapping[str, str] = os.environ,
    say: Callable[[str], None] = lambda line: None,
) -> tuple[Plan, Synthesis]:
    """Plans every stack of the environments. A stack that cannot be planned has its `problem` in its place.

    Raises Trouble where nothing can be planned at all: the stacks do not synthesize, or no workspace is named.
    """
    synthesis = synthesize(environments, outdir or default_outdir(root), root=root, variables=variables)
    say("synthesized")
    stacks = plan_stacks(synthesis.of(environments, kinds), credentials or Credentials(), say=say)
    return describe(root, stacks), synthesis


def describe(root: Path, stacks: Sequence[StackPlan]) -> Plan:
    """The plan of what is checked out."""
    commit = git(root, "rev-parse", "HEAD")
    return Plan(
        commit=commit,
        branch=git(root, "branch", "--show-current") or None,
        uncommitted=tuple(uncommitted_of_deployment(root)),
        ml_code_digest=git(root, "rev-parse", f"{commit}:{_CODE}"),
        stacks=tuple(stacks),
    )


def plan_stacks(
    stacks: Sequence[SynthesizedStack], credentials: Credentials, *, say: Callable[[str], None] = lambda line: None
) -> list[StackPlan]:
    """The stacks' plans in their order; nothing of them stays on disk."""
    variables = [_variables(stack, credentials) for stack in stacks]
    _install_once(stacks, variables, say)
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        planned = pool.map(lambda each: _plan_stack(*each, apply=False, say=say), zip(stacks, variables, strict=True))
        return list(planned)


def plan_to_apply(
    stack: SynthesizedStack, credentials: Credentials, say: Callable[[str], None] = lambda line: None
) -> StackPlan:
    """One stack's plan under its state's lock; its binary form stays in the stack's folder for `apply_planned`."""
    return _plan_stack(stack, _variables(stack, credentials), apply=True, say=say)


def _variables(stack: SynthesizedStack, credentials: Credentials) -> _Variables:
    """The stack's variables, or why there are none: before its admin stack, a project has no service principal."""
    try:
        return credentials.variables(stack.environment, stack.kind)
    except LaunchError as error:
        return str(error)


def _install_once(
    stacks: Sequence[SynthesizedStack], variables: Sequence[_Variables], say: Callable[[str], None]
) -> None:
    """Providers that Terraform downloads are cached by the first stack for all; their cache bears one writer only."""
    if all(isinstance(each, str) or "TF_REATTACH_PROVIDERS" in each for each in variables):
        return
    for stack, its_variables in zip(stacks, variables, strict=True):
        try:
            if not isinstance(its_variables, str):
                Terraform(stack, its_variables, say=say).init()
        except Trouble:
            return  # each stack's own plan says why


def _plan_stack(
    stack: SynthesizedStack, variables: _Variables, *, apply: bool, say: Callable[[str], None]
) -> StackPlan:
    started = time.monotonic()
    found = StackPlan(stack=stack.name, environment=stack.environment, kind=stack.kind, stack_digest=stack.digest)
    if isinstance(variables, str):
        return found.model_copy(update={"problem": variables})
    try:
        terraform = Terraform(stack, variables, say=say)
        terraform.init()
        raw = terraform.plan(lock=apply)
        if not apply:
            terraform.forget_plan()
        changes = read_changes(raw)
        drift = read_changes(raw, "resource_drift")
        undone = {change.address for change in changes}
        # What was only read anew, such as a value that another resource sets, is nobody's drift: nothing undoes it.
        drift = tuple(change for change in drift if change.address in undone)
        found = found.model_copy(update={"changes": changes, "drift": drift})
    except Trouble as error:
        found = found.model_copy(update={"problem": str(error)})
    say(f"{stack.name}: {'cannot be planned' if found.problem else f'{len(found.changes)} changes'}")
    return found.model_copy(update={"seconds": round(time.monotonic() - started, 2)})
