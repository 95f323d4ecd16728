"""What nobody could look at."""

from collections.abc import Iterator

from infra.policies.rule import Situation, Violation, rule


@rule(
    "BRL_PLAN_1",
    "Every stack could be planned",
    advice="Mend what the plan says and plan again: what was not planned was not judged.",
)
def stacks_are_planned(situation: Situation) -> Iterator[Violation]:
    """A stack whose plan has a problem is refused."""
    for stack in situation.stacks:
        if stack.problem:
            reason = " ".join(line.strip() for line in stack.problem.splitlines()[:2])
            yield Violation(f"could not be planned: {reason}", stack.stack)
