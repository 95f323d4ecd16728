"""What was changed in the workspace, past Terraform."""

from collections.abc import Iterator

from infra.policies.policy import Severity
from infra.policies.rule import Situation, Violation, rule


@rule(
    "BRL_PLAN_8",
    "Changes made outside of Terraform are known before they are undone",
    severity=Severity.LOW,
    advice="Ask who made the change and why; what is to stay belongs into the stacks.",
)
def outside_changes_are_seen(situation: Situation) -> Iterator[Violation]:
    """Each object that differs from what was last applied is named."""
    for stack in situation.stacks:
        for change in stack.drift:
            fields = ", ".join(field.path for field in change.fields[:5]) or change.action
            yield Violation(f"was changed outside of Terraform ({fields})", stack.stack, change.address, warns=True)
