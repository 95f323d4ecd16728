"""The plan rules on a plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ci.errors import Trouble
from ci.gate.history import declarations, find_base, position
from ci.plan.model import Plan
from ci.repository import uncommitted_of_deployment
from ci.terraform.synthesis import SynthesizedStack
from infra.policies.policy import Policy
from infra.policies.rule import Purpose, Situation, Violation, load_rules
from infra.settings import Settings


@dataclass(frozen=True)
class BrokenRule:
    """A rule and what breaks it."""

    policy: Policy
    violation: Violation


def situation_of(
    plan: Plan,
    stacks: Sequence[SynthesizedStack],
    settings: Mapping[str, Settings],
    purpose: Purpose,
    base: str | None,
    root: Path,
) -> Situation:
    """All that rules may look at; raises Trouble if a stack's environment is in no settings, or a base is not here."""
    unknown = [name for name in plan.environments if name not in settings]
    if unknown:
        raise Trouble(f"the plan has stacks of {', '.join(unknown)}: infra/settings has no such environment")
    bases = {name: find_base(root, name, settings[name].branch, plan.commit, base) for name in plan.environments}
    told = {name: declarations(root, start, plan.commit) for name, start in bases.items()}
    return Situation(
        purpose=purpose,
        commit=plan.commit,
        stacks=plan.stacks,
        contents={stack.name: stack.content for stack in stacks},
        settings=settings,
        branches={name: position(root, plan.commit, settings[name].branch) for name in plan.environments},
        uncommitted=sorted({*plan.uncommitted, *uncommitted_of_deployment(root)}),
        bases=bases,
        declared=[each for name, (declared, _) in told.items() for each in declared if each.environment == name],
        misdeclared=list(dict.fromkeys(each for _, misdeclared in told.values() for each in misdeclared)),
    )


def broken_rules(situation: Situation) -> Iterator[BrokenRule]:
    """Every violation of every rule."""
    for rule in load_rules().values():
        for violation in rule.judge(situation):
            yield BrokenRule(rule.policy, violation)
