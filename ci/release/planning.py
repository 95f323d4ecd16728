"""The plan of a checkout, against the gate's plan rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ci.errors import Trouble
from ci.gate.rules import BrokenRule, broken_rules, situation_of
from ci.plan.make import make_plan
from ci.plan.model import Plan
from ci.release.line import load_line
from ci.terraform.credentials import Credentials
from ci.terraform.synthesis import Kind, Synthesis
from infra.policies.rule import Purpose
from infra.settings import Settings


def deploying_folder(path: Path, settings: Settings) -> Path:
    """Where `ci.apply` synthesizes to in a checkout: planned there, Terraform is initialized once."""
    return path / ".branchline" / "apply" / settings.state_key(settings.environment)


def plan_checkout(
    path: Path,
    settings: Settings,
    kinds: Sequence[Kind],
    base: str | None,
    credentials: Credentials,
    log: Callable[[str], None],
) -> Plan:
    """What deploying it would do. Raises Trouble where a stack cannot be planned, or breaks a rule.

    Losses of data are allowed that commits after `base` name; without a base no rule is asked.
    """
    plan, synthesis = make_plan(
        [settings.environment],
        kinds=kinds,
        root=path,
        outdir=deploying_folder(path, settings),
        credentials=credentials,
        say=log,
    )
    if plan.problems:
        listed = "\n".join(f"- {stack.stack}: {stack.problem}" for stack in plan.problems)
        raise Trouble(f"{settings.environment} cannot be planned as it was, so nothing was changed:\n{listed}")
    if base is not None:
        _require_rules(plan, synthesis, base, path)
    return plan


def _require_rules(plan: Plan, synthesis: Synthesis, base: str, path: Path) -> None:
    stacks = [synthesis.stacks[stack.stack] for stack in plan.stacks]
    situation = situation_of(plan, stacks, load_line().by_name, Purpose.APPLY, base, path)
    refused = [broken for broken in broken_rules(situation) if not broken.violation.warns]
    if refused:
        listed = "\n".join(f"- {_in_words(broken)}" for broken in refused)
        raise Trouble(
            f"the restored stacks break rules of the gate, so nothing was changed:\n{listed}\n"
            "An object that may go is named: --destroys ADDRESS"
        )


def _in_words(broken: BrokenRule) -> str:
    violation = broken.violation
    where = "/".join(part for part in (violation.stack, violation.resource) if part) or violation.file or ""
    return f"{where + ': ' if where else ''}{violation.message} ({broken.policy.id}: {broken.policy.name})"
