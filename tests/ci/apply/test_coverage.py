"""What is a part of an approved plan, and what is not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci.apply.coverage import uncovered
from ci.plan.model import UNKNOWN, Action, Change, FieldChange, StackPlan

_VALUES = st.one_of(st.text(max_size=4), st.integers(0, 9), st.booleans())
_FIELDS = st.dictionaries(st.sampled_from(["name", "cluster[0].size", "tags.owner"]), _VALUES, min_size=1)
_CHANGES = st.dictionaries(
    st.sampled_from(["job.a", "job.b", "model.c"]),
    st.tuples(st.sampled_from([Action.CREATE, Action.UPDATE, Action.DESTROY]), _FIELDS),
    min_size=1,
)


def _change(address: str, action: Action, fields: dict[str, Any]) -> Change:
    listed = tuple(FieldChange(path=path, after=value) for path, value in fields.items())
    return Change(address=address, type=address.partition(".")[0], action=action, fields=listed)


def _stack(*changes: Change, digest: str = "d", problem: str | None = None) -> StackPlan:
    return StackPlan(
        stack="dev", environment="dev", kind="project", stack_digest=digest, changes=changes, problem=problem
    )


@given(_CHANGES, st.data())
def test_any_part_of_an_approved_plan_is_covered(made: dict[str, Any], data: st.DataObject) -> None:
    approved = [_change(address, *what) for address, what in made.items()]
    rest = data.draw(st.lists(st.sampled_from(approved), unique_by=lambda change: change.address))
    assert uncovered([_stack(*rest)], [_stack(*approved)], {}) == []


@given(_CHANGES, _VALUES)
def test_another_value_than_the_approved_one_is_not_covered(made: dict[str, Any], value: Any) -> None:
    approved = [_change(address, *what) for address, what in made.items()]
    first = approved[0]
    other = first.fields[0].model_copy(update={"after": [value, "another"]})
    now = first.model_copy(update={"fields": (other, *first.fields[1:])})
    assert len(uncovered([_stack(now, *approved[1:])], [_stack(*approved)], {})) == 1


@given(_CHANGES)
def test_what_was_unknown_may_become_anything(made: dict[str, Any]) -> None:
    now = [_change(address, *what) for address, what in made.items()]
    open_ = [_change(address, action, dict.fromkeys(fields, UNKNOWN)) for address, (action, fields) in made.items()]
    assert uncovered([_stack(*now)], [_stack(*open_)], {}) == []


@pytest.mark.parametrize(
    ("approved", "now", "said"),
    [
        (_stack(), _stack(_change("job.a", Action.CREATE, {})), "create job.a was not approved"),
        (
            _stack(_change("job.a", Action.UPDATE, {})),
            _stack(_change("job.a", Action.DESTROY, {})),
            "destroy job.a, approved was: update",
        ),
        (
            _stack(_change("job.a", Action.CREATE, {"name": "x"})),
            _stack(_change("job.a", Action.CREATE, {"name": "x", "run_as": "me"})),
            "run_as was not approved",
        ),
        (
            _stack(_change("job.a", Action.CREATE, {"name": "x", "run_as": "me"})),
            _stack(_change("job.a", Action.CREATE, {"name": "x"})),
            "run_as would be unset, approved was me",
        ),
        (_stack(digest="d"), _stack(digest="e"), "synthesizes to something else"),
        (
            _stack(problem="no principal yet"),
            _stack(_change("job.a", Action.UPDATE, {})),
            "only creations were approved",
        ),
    ],
)
def test_what_is_more_than_was_approved_is_named(approved: StackPlan, now: StackPlan, said: str) -> None:
    (reason,) = uncovered([now], [approved], {})
    assert said in reason


def test_what_was_created_by_half_may_be_replaced_and_nothing_else(approved_fields: dict[str, Any]) -> None:
    approved = [_stack(_change("job.a", Action.CREATE, approved_fields))]
    now = [_stack(_change("job.a", Action.REPLACE, {"name": "x", "id": UNKNOWN}))]
    assert uncovered(now, approved, {"dev": {"job.a"}}) == []
    assert uncovered(now, approved, {"dev": {"job.b"}}) == ["dev: replace job.a, approved was: create"]


def test_a_stack_that_could_not_be_planned_may_create(approved_fields: dict[str, Any]) -> None:
    now = [_stack(_change("job.a", Action.CREATE, approved_fields))]
    assert uncovered(now, [_stack(problem="no principal yet")], {}) == []


def test_parts_of_what_was_unknown_are_covered() -> None:
    approved = [_stack(_change("job.a", Action.CREATE, {"access": UNKNOWN}))]
    now = [_stack(_change("job.a", Action.CREATE, {"access[0].user": "me", "access[0].level": "own"}))]
    assert uncovered(now, approved, {}) == []


@pytest.fixture
def approved_fields() -> dict[str, Any]:
    return {"name": "x", "id": UNKNOWN}
