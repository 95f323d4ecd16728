"""Whether a plan may be applied: it is the approved one, or the rest of the approved one, or needs no approval."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from ci.apply.approval import Approval, differences
from ci.apply.coverage import uncovered
from ci.deployments.record import Deployment, deployed_digest
from ci.errors import Trouble
from ci.plan.model import Plan, StackPlan
from infra.settings import Settings


@dataclass(frozen=True)
class Decision:
    """`approved` is what may happen, `digest` names it; `resumed` is the unfinished deployment that is taken up."""

    digest: str
    approved: tuple[StackPlan, ...]
    resumed: Deployment | None
    notes: tuple[str, ...]


def decide(
    now: Plan,
    settings: Settings,
    approval: Approval | None,
    latest: Deployment | None,
    tainted: Mapping[str, Collection[str]],
    agreed: Callable[[], bool],
) -> Decision:
    """Raises Trouble where the plan may not be applied; `agreed` asks for consent where no approval is demanded."""
    environment = settings.environment
    digest = now.digest(environment)
    again = latest if latest and _may_be_resumed(latest, now) else None
    notes = _notes(latest, again, now)
    if approval is None:
        if settings.values.approval == "required":
            raise Trouble(
                f"{environment} is applied with an approval only: have the digest of 'branchline plan {environment}'"
                " approved, then give it as --approved DIGEST with --approver NAME"
            )
        reasons = uncovered(now.stacks, again.changes, tainted) if again else ["there is nothing to resume"]
        if not agreed():
            raise Trouble("nothing was applied")
        resumed = None if reasons else again
        return _of(resumed, digest, now, notes)
    if approval.digest == digest:
        resumed = again if again and again.plan_digest == digest else None
        return _of(resumed or _hooks_only(again, now), digest, now, notes)
    if again is None or again.plan_digest != approval.digest:
        raise Trouble(
            f"{approval.digest[:12]} was approved, and {environment} now plans {digest[:12]}: nothing was applied.\n"
            f"{differences(approval.plan, now, environment)}\nPlan again and have that approved."
        )
    reasons = uncovered(now.stacks, again.changes, tainted)
    if reasons:
        listed = "\n".join(f"  {reason}" for reason in reasons)
        raise Trouble(
            f"deployment {again.id} with this approval was not finished, and what is planned now is more than its rest:"
            f"\n{listed}\nNothing was applied. Plan again and have that approved."
        )
    return _of(again, approval.digest, now, notes)


def is_done(latest: Deployment | None, now: Plan, tag: str | None, release_of: str | None) -> bool:
    """Whether the same is deployed already, with every hook, and the workspace still fits it."""
    return (
        latest is not None
        and latest.complete
        and latest.commit == now.commit
        and latest.digest == _digest_of(now)
        and not _changes(now)
        and tag in (None, latest.tag)
        and release_of in (None, latest.release_of)
    )


def _of(resumed: Deployment | None, digest: str, now: Plan, notes: tuple[str, ...]) -> Decision:
    if resumed is None:
        return Decision(digest, now.stacks, None, notes)
    return Decision(resumed.plan_digest, resumed.changes, resumed, notes)


def _may_be_resumed(latest: Deployment, now: Plan) -> bool:
    """Whether it is of what is checked out and not finished; with its stacks applied, only its hooks can be left."""
    same = latest.commit == now.commit and latest.digest == _digest_of(now)
    return same and not latest.complete and (latest.state != "applied" or not _changes(now))


def _hooks_only(again: Deployment | None, now: Plan) -> Deployment | None:
    return again if again and again.state == "applied" and not _changes(now) else None


def _notes(latest: Deployment | None, again: Deployment | None, now: Plan) -> tuple[str, ...]:
    """What the deployment before had left, in words."""
    if latest is None or latest.complete:
        return ()
    if latest.state == "applied":
        names = ", ".join(hook.name for hook in latest.due_hooks)
        return (f"no changes; hooks of {latest.id} are run again: {names}",) if again else ()
    ended = "was interrupted" if latest.state == "applying" else "failed"
    left = [f"{stack.stack}: {change.address}" for stack in now.stacks for change in stack.changes]
    left += [f"{stack.stack}: not planned yet" for stack in now.stacks if stack.problem]
    of = "" if again else f" of commit {latest.commit[:12]}"
    return (f"deployment {latest.id}{of} {ended}; it left {', '.join(left) or 'nothing but its hooks'}",)


def _changes(now: Plan) -> bool:
    return any(stack.changes or stack.problem for stack in now.stacks)


def _digest_of(now: Plan) -> str:
    return deployed_digest({stack.stack: stack.stack_digest for stack in now.stacks}, now.ml_code_digest)
