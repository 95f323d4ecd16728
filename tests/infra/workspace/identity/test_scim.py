from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from scim2_models import Error, Group, ListResponse, User

from infra.workspace.identity.errors import ScimBadRequest, ScimConflict, ScimError, ScimForbidden, ScimNotFound
from infra.workspace.identity.principal import Principal
from infra.workspace.identity.scim_json import ResourceType
from infra.workspace.identity.service import IdentityService

USERS, GROUPS, SERVICE_PRINCIPALS = ResourceType.USERS, ResourceType.GROUPS, ResourceType.SERVICE_PRINCIPALS


def patch(*operations: dict[str, Any]) -> dict[str, Any]:
    return {"Operations": list(operations)}


def system_group(identity: IdentityService, admin: Principal, name: str) -> dict[str, Any]:
    found: dict[str, Any] = identity.scim.list(admin, GROUPS, filter=f'displayName eq "{name}"')["Resources"][0]
    return found


def test_answers_are_valid_scim_to_an_independent_reader(
    identity: IdentityService, admin: Principal, make_group: Callable[..., str]
) -> None:
    body = {
        "userName": "bea@example.org",
        "name": {"givenName": "Bea", "familyName": "Curie"},
        "entitlements": [{"value": "workspace-access"}],
    }
    made = identity.scim.create(admin, USERS, body)
    user = User.model_validate(made)
    assert (user.user_name, user.display_name, user.active) == ("bea@example.org", "Bea Curie", True)
    group = Group.model_validate(identity.scim.get(admin, GROUPS, make_group("engineers", made["id"])))
    assert [member.value for member in group.members or []] == [made["id"]]
    page = ListResponse[User].model_validate(identity.scim.list(admin, USERS, start_index=2, count=1))
    assert (page.total_results, page.start_index, page.items_per_page) == (2, 2, 1)
    with pytest.raises(ScimError) as refused:
        identity.scim.get(admin, USERS, "5")
    assert Error.model_validate(refused.value.body()).status == 404


def test_attributes_are_chosen_and_left_out(identity: IdentityService, admin: Principal) -> None:
    made = identity.scim.create(admin, SERVICE_PRINCIPALS, {"displayName": "robot", "externalId": "e1"})
    some = identity.scim.get(admin, SERVICE_PRINCIPALS, made["id"], attributes="displayName, GROUPS")
    assert set(some) == {"schemas", "id", "applicationId", "displayName", "groups"}
    others = identity.scim.get(admin, SERVICE_PRINCIPALS, made["id"], excluded="groups,externalId")
    assert set(made) - set(others) == {"groups", "externalId"}


def test_put_replaces_all_but_memberships(
    identity: IdentityService, admin: Principal, make_group: Callable[..., str]
) -> None:
    made = identity.scim.create(
        admin,
        SERVICE_PRINCIPALS,
        {"displayName": "robot", "externalId": "e1", "entitlements": [{"value": "allow-cluster-create"}]},
    )
    make_group("engineers", made["id"])
    replaced = identity.scim.replace(admin, SERVICE_PRINCIPALS, made["id"], {"displayName": "other", "active": False})
    assert (replaced["displayName"], replaced["active"]) == ("other", False)
    assert "externalId" not in replaced
    assert "entitlements" not in replaced
    assert [group["display"] for group in replaced["groups"]] == ["users", "engineers"]
    assert replaced["applicationId"] == made["applicationId"]


def test_members_are_patched_in_and_out(
    identity: IdentityService, admin: Principal, make_user: Callable[[str], Principal], make_group: Callable[..., str]
) -> None:
    bea, group = make_user("bea@example.org"), make_group("engineers")
    add = patch({"op": "add", "path": "members", "value": [{"value": str(bea.id)}]})
    identity.scim.patch(admin, GROUPS, group, add)
    identity.scim.patch(admin, GROUPS, group, add)
    assert identity.find("bea@example.org").groups == {"users", "engineers"}
    gone = patch({"op": "remove", "path": f'members[value eq "{bea.id}"]'})
    identity.scim.patch(admin, GROUPS, group, gone)
    assert "members" not in identity.scim.get(admin, GROUPS, group)
    with pytest.raises(ScimBadRequest, match="member 99 does not exist"):
        identity.scim.patch(admin, GROUPS, group, patch({"op": "add", "path": "members", "value": [{"value": "99"}]}))


def test_groups_hold_through_groups_but_never_themselves(
    identity: IdentityService, admin: Principal, make_user: Callable[[str], Principal], make_group: Callable[..., str]
) -> None:
    bea = make_user("bea@example.org")
    inner = make_group("inner", bea)
    outer = make_group("outer", inner)
    assert identity.find(bea.name).groups == {"users", "inner", "outer"}
    with pytest.raises(ScimBadRequest, match="contain itself"):
        identity.scim.patch(admin, GROUPS, inner, patch({"op": "add", "path": "members", "value": [{"value": outer}]}))
    admins = system_group(identity, admin, "admins")["id"]
    identity.scim.patch(admin, GROUPS, admins, patch({"op": "add", "path": "members", "value": [{"value": outer}]}))
    assert identity.find(bea.name).admin


def test_duplicates_carry_databricks_words_and_no_scim_type(
    identity: IdentityService, admin: Principal, make_group: Callable[..., str]
) -> None:
    make_group("engineers")
    identity.scim.create(admin, USERS, {"userName": "bea@example.org"})
    application = "0f0c0b0a-0000-4000-8000-000000000001"
    identity.scim.create(admin, SERVICE_PRINCIPALS, {"applicationId": application})
    for resource_type, body, words in (
        (GROUPS, {"displayName": "engineers"}, "Group with name engineers already exists."),
        (USERS, {"userName": "BEA@example.org"}, "User with username BEA@example.org already exists."),
        (
            SERVICE_PRINCIPALS,
            {"applicationId": application},
            f"Service principal with application ID {application} already exists.",
        ),
    ):
        with pytest.raises(ScimConflict) as refused:
            identity.scim.create(admin, resource_type, body)
        assert (refused.value.body()["detail"], refused.value.status) == (words, 409)
        assert "scimType" not in refused.value.body()


def test_system_groups_and_the_last_admin_stay(identity: IdentityService, admin: Principal) -> None:
    for name in ("admins", "users"):
        group = system_group(identity, admin, name)
        with pytest.raises(ScimBadRequest):
            identity.scim.delete(admin, GROUPS, group["id"])
        with pytest.raises(ScimBadRequest):
            identity.scim.replace(admin, GROUPS, group["id"], {"displayName": "renamed", "members": group["members"]})
        with pytest.raises(ScimBadRequest):
            identity.scim.patch(admin, GROUPS, group["id"], patch({"op": "remove", "path": "members"}))
    with pytest.raises(ScimBadRequest, match="at least one active admin"):
        identity.scim.delete(admin, USERS, str(admin.id))
    with pytest.raises(ScimBadRequest, match="at least one active admin"):
        identity.scim.patch(admin, USERS, str(admin.id), patch({"op": "replace", "value": {"active": False}}))
    assert identity.find(admin.name).admin


def test_a_refused_patch_changes_nothing(
    identity: IdentityService, admin: Principal, make_group: Callable[..., str]
) -> None:
    group = make_group("engineers")
    before = identity.scim.get(admin, GROUPS, group)
    operations = patch(
        {"op": "replace", "path": "displayName", "value": "renamed"},
        {"op": "add", "path": "members", "value": [{"value": "99"}]},
    )
    with pytest.raises(ScimBadRequest):
        identity.scim.patch(admin, GROUPS, group, operations)
    assert identity.scim.get(admin, GROUPS, group) == before


def test_others_look_up_but_do_not_change(
    identity: IdentityService, admin: Principal, make_service_principal: Callable[[str], Principal]
) -> None:
    robot = make_service_principal("robot")
    assert identity.scim.me(robot)["userName"] == robot.name
    found = identity.scim.list(robot, SERVICE_PRINCIPALS, filter='displayName eq "robot"')
    assert found["Resources"][0]["applicationId"] == robot.name
    for change in (
        lambda: identity.scim.create(robot, USERS, {"userName": "x@example.org"}),
        lambda: identity.scim.replace(robot, SERVICE_PRINCIPALS, str(robot.id), {"displayName": "x"}),
        lambda: identity.scim.patch(robot, USERS, str(admin.id), patch({"op": "replace", "value": {"active": False}})),
        lambda: identity.scim.delete(robot, USERS, str(admin.id)),
    ):
        with pytest.raises(ScimForbidden):
            change()


@pytest.mark.parametrize("id", ["", "abc", "-1", "9" * 30, "1 or 1=1"])
def test_ids_that_are_none_are_not_found(identity: IdentityService, admin: Principal, id: str) -> None:
    with pytest.raises(ScimNotFound):
        identity.scim.get(admin, USERS, id)
