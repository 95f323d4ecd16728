"""Which plan may be applied on whose word, and which unfinished deployment is taken up."""

from __future__ import annotations

import pytest

from ci.apply.approval import Approval
from ci.apply.decide import decide, is_done
from ci.deployments.record import Deployment, HookResult, deployed_digest
from ci.errors import Trouble
from ci.plan.model import Action, Change, Plan, StackPlan
from infra.settings import Settings, load_settings
from tests.ci.deployments.records import record

COMMIT = "a" * 40
JOB = Change(address="databricks_job.a", type="databricks_job", action=Action.UPDATE)
OTHER = Change(address="databricks_job.b", type="databricks_job", action=Action.UPDATE)
DEV = load_settings("dev", variables={"BRANCH": "dev"})
PROD = load_settings("prod", variables={})


def _plan(*changes: Change) -> Plan:
    stack = StackPlan(stack="dev", environment="dev", kind="project", stack_digest="d", changes=changes)
    return Plan(commit=COMMIT, branch="dev", ml_code_digest="m", stacks=(stack,))


def _decide(
    now: Plan, approved: str | None, latest: Deployment | None = None, settings: Settings = DEV, agreed: bool = True
):  # type: ignore[no-untyped-def] # a Decision
    return decide(now, settings, Approval(approved) if approved else None, latest, {}, lambda: agreed)


def _unfinished(approved: Plan) -> Deployment:
    return record(state="applying", commit=COMMIT, plan_digest=approved.digest("dev"), changes=approved.stacks)


def test_without_approval_somebody_must_agree_and_where_it_is_demanded_that_is_not_enough() -> None:
    now = _plan(JOB)
    assert _decide(now, None).digest == now.digest("dev")
    with pytest.raises(Trouble, match="nothing was applied"):
        _decide(now, None, agreed=False)
    with pytest.raises(Trouble, match="prod is applied with an approval only"):
        _decide(now, None, settings=PROD)


def test_the_approved_plan_is_applied_and_no_other() -> None:
    now = _plan(JOB)
    assert _decide(now, now.digest("dev")).approved == now.stacks
    with pytest.raises(Trouble, match="was approved, and dev now plans"):
        _decide(now, _plan(OTHER).digest("dev"))


def test_the_rest_of_an_unfinished_deployment_needs_no_other_approval() -> None:
    approved = _plan(JOB, OTHER)
    unfinished = _unfinished(approved)
    decision = _decide(_plan(OTHER), approved.digest("dev"), unfinished)
    assert (decision.resumed, decision.digest, decision.approved) == (
        unfinished,
        approved.digest("dev"),
        approved.stacks,
    )
    assert decision.notes == (f"deployment {unfinished.id} was interrupted; it left dev: databricks_job.b",)


def test_more_than_the_rest_of_an_unfinished_deployment_is_refused() -> None:
    approved = _plan(JOB)
    with pytest.raises(Trouble, match=r"update databricks_job\.b was not approved"):
        _decide(_plan(OTHER), approved.digest("dev"), _unfinished(approved))


def test_a_finished_approval_does_not_serve_twice() -> None:
    approved = _plan(JOB)
    finished = _unfinished(approved).model_copy(update={"state": "applied"})
    with pytest.raises(Trouble, match="was approved, and dev now plans"):
        _decide(_plan(JOB.model_copy(update={"action": Action.REPLACE})), approved.digest("dev"), finished)


def test_hooks_that_failed_are_taken_up_with_the_approval_of_their_deployment() -> None:
    approved, hook = _plan(JOB), HookResult(name="train", kind="run_job", state="failed")
    latest = _unfinished(approved).model_copy(update={"state": "applied", "hooks": (hook,)})
    for digest in (approved.digest("dev"), _plan().digest("dev"), None):
        decision = _decide(_plan(), digest, latest)
        assert decision.resumed == latest
        assert "run again: train" in decision.notes[0]


def test_done_is_what_is_deployed_with_its_hooks_and_its_tag() -> None:
    digest = deployed_digest({"dev": "d"}, "m")
    latest = record(commit=COMMIT, digest=digest, tag="v1")
    assert is_done(latest, _plan(), "v1", None)
    assert is_done(latest, _plan(), None, None)
    assert not is_done(latest, _plan(), "v2", None)
    assert not is_done(latest, _plan(JOB), "v1", None)
    assert not is_done(latest.model_copy(update={"commit": "b" * 40}), _plan(), "v1", None)
    assert not is_done(latest.model_copy(update={"state": "failed"}), _plan(), "v1", None)
    assert not is_done(None, _plan(), None, None)
