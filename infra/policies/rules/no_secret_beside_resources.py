"""Credentials in those parts of a stack that checkov does not look at, and in what a plan would change."""

from collections.abc import Iterator

from infra.policies.policy import Severity
from infra.policies.rule import Situation, Violation, rule
from infra.policies.secrets import literal_secrets

_CHECKED_ELSEWHERE = ("//", "resource", "data", "provider")


@rule(
    "BRL_PLAN_7",
    "No literal secret in backends, variables and outputs, nor in the plan",
    severity=Severity.CRITICAL,
    advice="Give backends their credentials by the environment, and variables no default. What was written here is in "
    "git and must be revoked.",
)
def no_secret_beside_resources(situation: Situation) -> Iterator[Violation]:
    """Nothing in them has the shape of a credential, or is the literal value of one's name."""
    for stack in situation.stacks:
        content = situation.contents.get(stack.stack, {})
        rest = {key: value for key, value in content.items() if key not in _CHECKED_ELSEWHERE}
        variables = rest.pop("variable", {})
        defaults = {name: variable.get("default") for name, variable in variables.items()}
        for path, kind in literal_secrets({**rest, "variable": defaults}):
            yield Violation(f"{path} holds {kind}", stack.stack)
        for change in stack.changes:
            planned = {field.path: field.after for field in change.fields}
            for path, kind in literal_secrets(planned):
                yield Violation(f"{path} would be {kind}", stack.stack, change.address)
