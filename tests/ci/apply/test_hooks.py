"""Which hooks are due after which deployments."""

from __future__ import annotations

import pytest

from ci.apply.hooks import hooks_due
from ci.apply.parts import Part
from infra.settings.hooks import Hook, When
from tests.ci.deployments.records import record


def _parts(*, code: bool = False, stack: bool = False) -> list[Part]:
    return [
        Part(name=name, state="changed" if touched else "unchanged", touched=touched, why="")
        for name, touched in (("dev-admin", False), ("dev", stack), ("ml_code", code))
    ]


def _hook(when: When) -> Hook:
    return Hook(name="train", run_job="training", when=when)


@pytest.mark.parametrize(
    ("when", "nothing", "code", "stack"),
    [
        (When.ALWAYS, "pending", "pending", "pending"),
        (When.CODE, "skipped", "pending", "skipped"),
        (When.STACKS, "skipped", "skipped", "pending"),
        (When.CHANGE, "skipped", "pending", "pending"),
    ],
)
def test_a_hook_is_due_after_what_it_is_declared_for(when: When, nothing: str, code: str, stack: str) -> None:
    found = [
        hooks_due([_hook(when)], parts, None, None)[0].state
        for parts in (_parts(), _parts(code=True), _parts(stack=True))
    ]
    assert found == [nothing, code, stack]


def test_a_hook_that_failed_last_time_is_due_still() -> None:
    hook = _hook(When.CODE)
    (failed,) = hooks_due([hook], _parts(code=True), None, None)
    last = record(hooks=(failed.model_copy(update={"state": "failed"}),))
    (due,) = hooks_due([hook], _parts(stack=True), last, None)
    assert (due.state, due.reason) == ("pending", "it failed last time")


def test_a_rollback_trains_nothing() -> None:
    (skipped,) = hooks_due([_hook(When.CODE)], _parts(code=True), None, "v1")
    assert skipped.state == "skipped"
    assert "rollback to v1" in skipped.reason
