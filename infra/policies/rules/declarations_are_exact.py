"""Losses that commits declare, and that the plan does not have."""

from collections.abc import Iterator

from infra.policies.policy import Severity
from infra.policies.rule import Situation, Violation, rule


@rule(
    "BRL_PLAN_3",
    "What a commit declares to destroy is destroyed",
    severity=Severity.LOW,
    advice="Write 'Destroys: <environment> <address>' with one exact address, as the plan shows it; there are no "
    "wildcards.",
)
def declarations_are_exact(situation: Situation) -> Iterator[Violation]:
    """Each declaration can be read, and names an object that the plan destroys or replaces."""
    for line, commit in situation.misdeclared:
        yield Violation(f"commit {commit[:8]} says '{line}': expected an environment and one exact address")
    planned = {stack.environment for stack in situation.stacks}
    lost = {
        (stack.environment, change.address)
        for stack in situation.stacks
        for change in stack.changes
        if change.action in ("destroy", "replace")
    }
    for each in situation.declared:
        if each.environment in planned and (each.environment, each.address) not in lost:
            yield Violation(
                f"commit {each.commit[:8]} declares that {each.environment} loses {each.address}: the plan keeps it"
            )
