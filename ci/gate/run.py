"""Judging a commit: checks over its stacks, rules over its plan, exceptions over both."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from itertools import groupby
from pathlib import Path

from ci.errors import Trouble
from ci.gate.checks import FailedCheck, run_checks
from ci.gate.exceptions import apply_exceptions
from ci.gate.model import DeclaredLoss, Finding, GateReport, JudgedPolicy
from ci.gate.places import Places
from ci.gate.rules import BrokenRule, broken_rules, situation_of
from ci.gate.stacks import read_planned
from ci.plan.model import Plan
from ci.repository import ROOT, git
from infra.policies.environments import load_to_judge_by
from infra.policies.exceptions import EXPIRED, INVALID, UNUSED
from infra.policies.policy import Policy
from infra.policies.rule import Purpose, Situation, load_rules


def run_gate(
    plan: Plan,
    synthesis_folder: Path,
    purpose: Purpose = Purpose.REVIEW,
    base: str | None = None,
    *,
    root: Path = ROOT,
    today: date | None = None,
) -> GateReport:
    """Judges a plan and the stacks that it was made of.

    `base` is where the change begins of environments whose branch has the commit already, for the losses that commits
    declare; see history.find_base. Raises Trouble where there is nothing to judge: a plan of another commit or of no
    stack, other stacks, a base that is not here; SettingsError where settings are wrong.
    """
    started = time.monotonic()
    _check_commit(plan, root)
    stacks = read_planned(plan, synthesis_folder)
    settings = load_to_judge_by(root / "infra" / "settings", root)
    situation = situation_of(plan, stacks, settings, purpose, base, root)
    checked = run_checks(stacks, settings)
    policies = [*checked.policies, *(rule.policy for rule in load_rules().values()), INVALID, EXPIRED, UNUSED]
    places = Places(root)
    found = [*_of_checks(checked.failed, places), *_of_rules(broken_rules(situation), places)]
    names = [stack.stack for stack in plan.stacks]
    outcome = apply_exceptions(found, policies, names, root, today or datetime.now(UTC).date())
    return GateReport(
        commit=plan.commit,
        branch=plan.branch,
        bases=dict(situation.bases),
        purpose=purpose,
        plan_digests={environment: plan.digest(environment) for environment in plan.environments},
        stacks=tuple(names),
        resources=checked.resources,
        policies=tuple(JudgedPolicy.of(policy) for policy in policies),
        findings=tuple(sorted(outcome.findings, key=_gravest_first)),
        exceptions_used=tuple(outcome.used),
        declared_losses=tuple(_let_pass(situation)),
        seconds=round(time.monotonic() - started, 2),
    )


def _check_commit(plan: Plan, root: Path) -> None:
    head = git(root, "rev-parse", "HEAD")
    if plan.commit != head:
        raise Trouble(
            f"the plan is of commit {plan.commit[:8]}, checked out is {head[:8]}: plan this commit,"
            " or check out that one"
        )
    if not plan.stacks:
        raise Trouble("the plan has no stack: there is nothing to judge")


def _of_checks(failed: Iterable[FailedCheck], places: Places) -> Iterator[Finding]:
    for each in failed:
        place, related = places.of(each.policy, each.stack, each.resource, None)
        yield Finding(
            rule=each.policy.id,
            severity=each.policy.severity,
            refuses=each.policy.severity.refuses,
            message=each.message,
            stack=each.stack,
            resource=each.resource,
            place=place,
            related=related,
        )


def _of_rules(broken: Iterable[BrokenRule], places: Places) -> Iterator[Finding]:
    """One finding for each rule and object, with all that is wrong with it."""

    def what(each: BrokenRule) -> tuple[str, ...]:
        violation = each.violation
        about = violation.message if violation.stack is None else ""
        return each.policy.id, violation.stack or "", violation.resource or "", violation.file or "", about

    for _, group in groupby(sorted(broken, key=what), what):
        same = list(group)
        yield _of_rule(same[0].policy, same, places)


def _of_rule(policy: Policy, same: Sequence[BrokenRule], places: Places) -> Finding:
    first = same[0].violation
    place, related = places.of(policy, first.stack, first.resource, first.file)
    return Finding(
        rule=policy.id,
        severity=policy.severity,
        refuses=policy.severity.refuses and not all(each.violation.warns for each in same),
        message="; ".join(each.violation.message for each in same),
        stack=first.stack,
        resource=first.resource,
        place=place,
        related=related,
    )


def _let_pass(situation: Situation) -> Iterator[DeclaredLoss]:
    """The declared losses that the plan has."""
    lost = {
        (stack.environment, change.address)
        for stack in situation.stacks
        for change in stack.changes
        if change.action in ("destroy", "replace")
    }
    for each in situation.declared:
        if (each.environment, each.address) in lost:
            yield DeclaredLoss(environment=each.environment, address=each.address, commit=each.commit)


def _gravest_first(finding: Finding) -> tuple[bool, str, str]:
    return not finding.refuses, finding.rule, finding.object or ""
