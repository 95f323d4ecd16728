"""Files that no commit has."""

from collections.abc import Iterator

from infra.policies.environments import is_protected
from infra.policies.rule import Purpose, Situation, Violation, rule

_SHOWN = 5


@rule(
    "BRL_PLAN_6",
    "All that is planned is committed",
    advice="Commit the files, or put them away: stacks were synthesized with them, and jobs run commits.",
)
def all_is_committed(situation: Situation) -> Iterator[Violation]:
    """No file differs from the commit; a review, and dev, are only told."""
    files = situation.uncommitted
    if files:
        shown = ", ".join(files[:_SHOWN])
        more = f" and {len(files) - _SHOWN} more" if len(files) > _SHOWN else ""
        strict = situation.purpose is Purpose.APPLY and any(is_protected(each.environment) for each in situation.stacks)
        yield Violation(f"not committed: {shown}{more}", file=files[0], warns=not strict)
