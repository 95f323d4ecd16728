from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.workspace.identity.errors import ScimBadRequest
from infra.workspace.identity.scim_patch import apply_patch

VALUES = st.sampled_from(["1", "2", "3", "4", ""])
ATTRIBUTES = st.sampled_from(["members", "entitlements", "roles"])


def patch(resource: dict[str, Any], *operations: dict[str, Any]) -> dict[str, Any]:
    return apply_patch(resource, {"Operations": list(operations)})


@st.composite
def operations(draw: st.DrawFn) -> dict[str, Any]:
    """One operation, and in `model` what it does to a plain set."""
    attribute, name = draw(ATTRIBUTES), draw(st.sampled_from(["add", "replace", "remove", "Add", "REMOVE"]))
    values = draw(st.lists(VALUES, max_size=3))
    complex_values = [{"value": value} for value in values]
    if name.lower() == "remove" and draw(st.booleans()):
        value = draw(st.sampled_from(["1", "2", "9"]))
        return {"op": name, "path": f'{attribute}[value eq "{value}"]', "attribute": attribute, "gone": {value}}
    if name.lower() == "remove" and draw(st.booleans()):
        return {"op": name, "path": attribute, "attribute": attribute}
    if name.lower() == "remove":
        return {"op": name, "path": attribute, "value": complex_values, "attribute": attribute, "gone": set(values)}
    if draw(st.booleans()):
        return {"op": name, "value": {attribute: complex_values}, "attribute": attribute, "given": values}
    return {"op": name, "path": attribute, "value": complex_values, "attribute": attribute, "given": values}


@given(st.lists(operations(), min_size=1, max_size=12))
def test_any_sequence_of_operations_does_what_it_does_to_plain_sets(steps: list[dict[str, Any]]) -> None:
    model: dict[str, set[str]] = {"members": {"1"}, "entitlements": set(), "roles": {"2", "3"}}
    resource: dict[str, Any] = {name: [{"value": value} for value in values] for name, values in model.items()}
    before = repr(resource)
    for step in steps:
        held = model[step["attribute"]]
        given = set(step.get("given", [])) - {""}
        match step["op"].lower():
            case "add":
                held |= given
            case "replace":
                held.clear()
                held |= given
            case "remove":
                held -= step.get("gone", set(held))
    patched = patch(resource, *({key: step[key] for key in ("op", "path", "value") if key in step} for step in steps))
    assert {name: {item["value"] for item in patched.get(name, [])} for name in model} == model
    assert repr(resource) == before


def test_terraform_switches_a_user_off_with_a_list_of_one_text() -> None:
    assert patch({"active": True}, {"op": "replace", "path": "active", "value": [{"value": "false"}]}) == {
        "active": "false"
    }


def test_terraform_clears_entitlements_with_one_empty_value() -> None:
    resource = {"entitlements": [{"value": "workspace-access"}]}
    assert patch(resource, {"op": "replace", "path": "entitlements", "value": [{"value": ""}]}) == {"entitlements": []}


def test_parts_of_complex_attributes() -> None:
    resource: dict[str, Any] = {"name": {"givenName": "Ada"}, "emails": [{"type": "work", "value": "a@b.c"}]}
    patched = patch(
        resource,
        {"op": "add", "path": "name.familyName", "value": "Lovelace"},
        {"op": "replace", "path": 'emails[type eq "work"].value', "value": "ada@example.org"},
        {"op": "remove", "path": "name.givenName"},
    )
    assert patched["name"] == {"familyName": "Lovelace"}
    assert patched["emails"] == [{"type": "work", "value": "ada@example.org"}]


@pytest.mark.parametrize(
    ("operation", "scim_type"),
    [
        ({"op": "remove"}, "noTarget"),
        ({"op": "move", "path": "members"}, "invalidSyntax"),
        ({"op": "add", "path": "shoeSize", "value": 42}, "invalidPath"),
        ({"op": "add", "path": "groups", "value": [{"value": "1"}]}, "mutability"),
        ({"op": "add", "path": "members[", "value": []}, "invalidPath"),
        ({"op": "replace", "path": 'members[value eq "1"]', "value": {"value": "2"}}, "noTarget"),
        ({"op": "replace", "path": 'displayName[value eq "1"]', "value": "x"}, "invalidPath"),
    ],
)
def test_what_cannot_be_applied_is_refused_by_rfc_7644_s_keyword(operation: dict[str, Any], scim_type: str) -> None:
    with pytest.raises(ScimBadRequest) as refused:
        patch({"displayName": "x"}, operation)
    assert refused.value.scim_type == scim_type
