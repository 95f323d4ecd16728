"""Terraform's plan becomes changes: what differs is shown, what is secret is not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci.plan.model import SENSITIVE, UNKNOWN, Action, Change
from ci.plan.read import read_changes

SECRET = "dapi-0123456789"


def planned(actions: list[str], before: Any, after: Any, **more: Any) -> dict[str, Any]:
    change = {"actions": actions, "before": before, "after": after, **more}
    return {
        "resource_changes": [
            {"address": "databricks_job.training", "type": "databricks_job", "mode": "managed", "change": change}
        ]
    }


def only(plan: dict[str, Any]) -> Change:
    (change,) = read_changes(plan)
    return change


def fields(change: Change) -> dict[str, tuple[Any, Any]]:
    return {field.path: (field.before, field.after) for field in change.fields}


@pytest.mark.parametrize(
    ("actions", "action"),
    [
        (["create"], Action.CREATE),
        (["update"], Action.UPDATE),
        (["delete"], Action.DESTROY),
        (["delete", "create"], Action.REPLACE),
        (["create", "delete"], Action.REPLACE),
        (["forget"], Action.FORGET),
    ],
)
def test_actions(actions: list[str], action: Action) -> None:
    before, after = (None if "create" in actions[:1] else {"a": 1}), (None if actions[-1] == "delete" else {"a": 2})
    assert only(planned(actions, before, after)).action is action


def test_only_what_differs_is_a_field() -> None:
    before = {"name": "n", "task": [{"key": "a", "retries": 1}, {"key": "b", "retries": 1}], "tags": {}}
    after = {"name": "n", "task": [{"key": "a", "retries": 1}, {"key": "b", "retries": 3}], "tags": None}
    assert fields(only(planned(["update"], before, after))) == {"task[1].retries": (1, 3)}


def test_nothing_to_do_and_reading_are_no_changes() -> None:
    assert read_changes(planned(["no-op"], {"a": 1}, {"a": 1})) == ()
    assert read_changes(planned(["read"], None, {"a": 1})) == ()


def test_an_import_names_the_object_taken_over() -> None:
    change = only(planned(["no-op"], {"a": 1}, {"a": 1}, importing={"id": "77"}))
    assert (change.action, change.import_id) == (Action.IMPORT, "77")


def test_what_forces_a_replacement_is_marked() -> None:
    change = only(planned(["delete", "create"], {"name": "a", "x": 1}, {"name": "b", "x": 2}, replace_paths=[["name"]]))
    assert {field.path: field.forces_replacement for field in change.fields} == {"name": True, "x": False}


def test_unknown_values_are_said_to_come() -> None:
    change = only(planned(["create"], None, {"name": "n"}, after_unknown={"id": True, "url": True}))
    assert fields(change) == {"id": (None, UNKNOWN), "name": (None, "n"), "url": (None, UNKNOWN)}


def test_a_secret_that_changes_is_a_change_without_its_value() -> None:
    change = only(
        planned(
            ["update"], {"token": "old"}, {"token": SECRET},
            before_sensitive={"token": True}, after_sensitive={"token": True},
        )
    )  # fmt: skip
    assert fields(change) == {SENSITIVE: (SENSITIVE, SENSITIVE)}


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(SECRET) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=3), inner, max_size=3),
    max_leaves=8,
)


def mask_of(value: Any) -> Any:
    """Terraform's mask for a value in which every SECRET is sensitive."""
    if isinstance(value, dict):
        return {key: mask_of(part) for key, part in value.items()}
    if isinstance(value, list):
        return [mask_of(part) for part in value]
    return value == SECRET


objects = st.dictionaries(st.text(min_size=1, max_size=3), plain, max_size=4)


@given(objects, objects)
def test_no_sensitive_value_is_ever_shown(before: dict[str, Any], after: dict[str, Any]) -> None:
    plan = planned(
        ["update"], before, after, before_sensitive=mask_of(before), after_sensitive=mask_of(after), after_unknown={}
    )
    assert SECRET not in json.dumps([change.model_dump(mode="json") for change in read_changes(plan)])


@given(objects)
def test_an_object_differs_in_nothing_from_itself(value: dict[str, Any]) -> None:
    assert only(planned(["update"], value, value)).fields == ()
