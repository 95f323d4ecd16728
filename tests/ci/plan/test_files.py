"""plan.json: read back as written, and refused once anybody has touched it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci.errors import Trouble
from ci.plan.files import plan_text, read_plan
from ci.plan.model import Action, Change, FieldChange, Plan, StackPlan


def make(**more: Any) -> Plan:
    change = Change(
        address="databricks_job.training",
        type="databricks_job",
        action=Action.UPDATE,
        fields=(FieldChange(path="timeout_seconds", before=3600, after=7200),),
    )
    stacks = (
        StackPlan(stack="prod-admin", environment="prod", kind="admin", stack_digest="a"),
        StackPlan(stack="prod", environment="prod", kind="project", stack_digest="b", changes=(change,), seconds=1.5),
    )
    return Plan(**{"commit": "c" * 40, "branch": "release", "ml_code_digest": "m", "stacks": stacks, **more})


def test_a_plan_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(plan_text(make()))
    assert read_plan(path) == make()


def test_a_plan_that_was_changed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(plan_text(make()).replace("7200", "9999"))
    with pytest.raises(Trouble, match="changed after it was written"):
        read_plan(path)


@pytest.mark.parametrize("text", ["", "[]", '{"plan": {}}', "{}", '{"plan": 3, "digests": {}}'])
def test_a_file_that_is_no_plan_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "plan.json"
    path.write_text(text)
    with pytest.raises(Trouble, match="no plan"):
        read_plan(path)


@given(st.sampled_from(["commit", "ml_code_digest"]), st.text(min_size=1, max_size=8))
def test_every_part_of_what_is_approved_counts(part: str, other: str) -> None:
    plan = make()
    changed = plan.model_copy(update={part: other})
    assert (changed.digest("prod") == plan.digest("prod")) == (getattr(plan, part) == other)


def test_times_and_another_environment_do_not_count() -> None:
    plan = make()
    slower = tuple(stack.model_copy(update={"seconds": 9.9}) for stack in plan.stacks)
    other = StackPlan(stack="dev", environment="dev", kind="project", stack_digest="x")
    assert make(stacks=slower).digest("prod") == plan.digest("prod")
    assert make(stacks=(*slower, other)).digest("prod") == plan.digest("prod")
    assert set(json.loads(plan_text(make(stacks=(*slower, other))))["digests"]) == {"prod", "dev"}
