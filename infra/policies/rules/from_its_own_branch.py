"""Which commits an environment is made of."""

from collections.abc import Iterator

from infra.policies.environments import is_protected
from infra.policies.rule import Purpose, Situation, Violation, rule


@rule(
    "BRL_PLAN_5",
    "Staging and prod are applied from their own branches alone",
    advice="Bring the change onto the environment's branch first: main by a merge, release by 'branchline release "
    "cut'. A pull request may show the plan, but not approve it.",
    setting="branch",
)
def from_its_own_branch(situation: Situation) -> Iterator[Violation]:
    """The commit lies on the branch that the settings name; a review is only told."""
    reviews = situation.purpose is Purpose.REVIEW
    for environment in dict.fromkeys(stack.environment for stack in situation.stacks):
        if not is_protected(environment):
            continue
        branch, position = situation.settings[environment].branch, situation.branches[environment]
        commit = situation.commit[:8]
        if not position.exists:
            yield Violation(
                f"this clone has no branch {branch}, so {commit} cannot be on it", environment, warns=reviews
            )
        elif not position.contains:
            yield Violation(
                f"commit {commit} is not on {branch}: it may be reviewed, not applied", environment, warns=reviews
            )
        elif not position.is_tip:
            yield Violation(f"{branch} has gone on since commit {commit}", environment, warns=True)
