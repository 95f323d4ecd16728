from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.workspace.control.clock import Clock
from infra.workspace.gateway.errors import ApiError, BadRequest, NotFound, NotSupported, PermissionDenied
from infra.workspace.identity.levels import TYPES
from infra.workspace.identity.permissions import Permissions
from infra.workspace.identity.principal import Principal
from infra.workspace.identity.scim_json import ResourceType
from infra.workspace.identity.service import IdentityService
from infra.workspace.store.database import Store

MakePrincipal = Callable[[str], Principal]


def acl(*entries: tuple[Principal | str, str]) -> dict[str, Any]:
    """An access control list: groups are given by name."""
    items = []
    for holder, level in entries:
        if isinstance(holder, str):
            items.append({"group_name": holder, "permission_level": level})
        else:
            key = "user_name" if holder.kind == "user" else "service_principal_name"
            items.append({key: holder.name, "permission_level": level})
    return {"access_control_list": items}


def direct(answer: dict[str, Any]) -> dict[str, str]:
    """The direct levels in an answer by the holder's name."""
    return {
        entry.get("user_name") or entry.get("service_principal_name") or entry["group_name"]: item["permission_level"]
        for entry in answer["access_control_list"]
        for item in entry["all_permissions"]
        if not item["inherited"]
    }


def test_a_list_as_terraform_s_provider_reads_it(
    permissions: Permissions, admin: Principal, make_user: MakePrincipal, make_service_principal: MakePrincipal
) -> None:
    bea, robot = make_user("bea@example.org"), make_service_principal("robot")
    answer = permissions.set_permissions(admin, "jobs", "7", acl((bea, "IS_OWNER"), (robot, "CAN_VIEW")))
    inherited = {"permission_level": "CAN_MANAGE", "inherited": True, "inherited_from_object": ["/jobs/"]}
    assert answer == {
        "object_id": "/jobs/7",
        "object_type": "job",
        "access_control_list": [
            {
                "user_name": "bea@example.org",
                "display_name": "bea@example.org",
                "all_permissions": [{"permission_level": "IS_OWNER", "inherited": False}],
            },
            {
                "service_principal_name": robot.name,
                "display_name": "robot",
                "all_permissions": [{"permission_level": "CAN_VIEW", "inherited": False}],
            },
            {"group_name": "admins", "all_permissions": [inherited]},
        ],
    }


def test_directories_hand_down_to_what_is_in_them(
    permissions: Permissions, admin: Principal, make_user: MakePrincipal, make_group: Callable[..., str]
) -> None:
    bea = make_user("bea@example.org")
    make_group("engineers", bea)
    above = {
        ("notebooks", "30"): ("directories", "20"),
        ("experiments", "5"): ("directories", "20"),
        ("directories", "20"): ("directories", "10"),
    }
    permissions.parent_of = lambda object_type, object_id: above.get((object_type, object_id))
    permissions.set_permissions(admin, "directories", "10", acl(("engineers", "CAN_RUN")))
    assert permissions.level(bea, "notebooks", "30") == "CAN_RUN"
    assert permissions.level(bea, "experiments", "5") == "CAN_READ"
    entry = permissions.get_permissions(bea, "experiments", "5")["access_control_list"][0]
    handed = {"permission_level": "CAN_READ", "inherited": True, "inherited_from_object": ["/directories/10"]}
    assert entry == {"group_name": "engineers", "all_permissions": [handed]}
    permissions.set_permissions(admin, "notebooks", "30", acl((bea, "CAN_EDIT")))
    assert permissions.level(bea, "notebooks", "30") == "CAN_EDIT"
    permissions.set_permissions(admin, "directories", "10", acl())
    assert permissions.level(bea, "experiments", "5") is None


def test_only_managers_change_a_list_and_only_holders_read_it(
    permissions: Permissions, admin: Principal, make_user: MakePrincipal
) -> None:
    bea, cy = make_user("bea@example.org"), make_user("cy@example.org")
    permissions.grant_owner("jobs", "7", bea)
    with pytest.raises(PermissionDenied):
        permissions.get_permissions(cy, "jobs", "7")
    permissions.update_permissions(bea, "jobs", "7", acl((cy, "CAN_MANAGE_RUN")))
    permissions.require(cy, "jobs", "7", "CAN_VIEW")
    with pytest.raises(PermissionDenied, match="CAN_MANAGE permission on job 7"):
        permissions.update_permissions(cy, "jobs", "7", acl((cy, "CAN_MANAGE")))
    permissions.update_permissions(bea, "jobs", "7", acl((cy, "CAN_MANAGE")))
    with pytest.raises(PermissionDenied, match="another owner"):
        permissions.set_permissions(cy, "jobs", "7", acl((cy, "IS_OWNER")))
    permissions.set_permissions(admin, "cluster-policies", "p", acl((cy, "CAN_USE")))
    with pytest.raises(PermissionDenied, match="Only workspace admins"):
        permissions.set_permissions(cy, "cluster-policies", "p", acl())


def test_nobody_locks_itself_out(permissions: Permissions, admin: Principal, make_user: MakePrincipal) -> None:
    bea = make_user("bea@example.org")
    permissions.grant_owner("experiments", "5", bea)
    answer = permissions.set_permissions(bea, "experiments", "5", acl(("users", "CAN_READ")))
    assert direct(answer) == {"users": "CAN_READ", "bea@example.org": "CAN_MANAGE"}
    answer = permissions.set_permissions(bea, "experiments", "5", acl(("users", "CAN_MANAGE")))
    assert direct(answer) == {"users": "CAN_MANAGE"}
    answer = permissions.set_permissions(admin, "experiments", "5", acl(("users", "CAN_READ")))
    assert direct(answer) == {"users": "CAN_READ"}


def test_a_job_has_exactly_one_owner_who_is_no_group(
    permissions: Permissions, admin: Principal, make_user: MakePrincipal, make_group: Callable[..., str]
) -> None:
    bea, cy = make_user("bea@example.org"), make_user("cy@example.org")
    make_group("engineers")
    for entries in (acl(), acl((bea, "IS_OWNER"), (cy, "IS_OWNER")), acl(("engineers", "IS_OWNER"))):
        with pytest.raises(BadRequest):
            permissions.set_permissions(admin, "jobs", "7", entries)
    permissions.set_permissions(admin, "jobs", "7", acl((bea, "CAN_MANAGE"), (bea, "IS_OWNER")))
    passed_on = permissions.update_permissions(bea, "jobs", "7", acl((cy, "IS_OWNER")))
    assert direct(passed_on) == {"bea@example.org": "CAN_MANAGE", "cy@example.org": "IS_OWNER"}
    owner = permissions.owner("jobs", "7")
    assert owner is not None
    assert owner.name == "cy@example.org"
    with pytest.raises(BadRequest, match="exactly one owner"):
        permissions.update_permissions(admin, "jobs", "7", acl((cy, "CAN_VIEW")))


def test_what_is_not_there_is_refused_by_name(permissions: Permissions, admin: Principal) -> None:
    with pytest.raises(NotFound, match="job missing"):
        permissions.get_permissions(admin, "jobs", "missing")
    with pytest.raises(NotSupported, match="pipelines"):
        permissions.get_permissions(admin, "pipelines", "1")
    with pytest.raises(BadRequest, match="'unicorns' is not a supported"):
        permissions.get_permissions(admin, "unicorns", "1")
    with pytest.raises(BadRequest, match="'CAN_RUN'"):
        permissions.set_permissions(admin, "jobs", "7", acl(("users", "CAN_RUN")))
    with pytest.raises(NotFound, match="Principal nobody"):
        permissions.set_permissions(admin, "jobs", "7", acl(("nobody", "CAN_VIEW")))


def test_whoever_may_not_use_tokens_cannot_make_one(
    identity: IdentityService, permissions: Permissions, admin: Principal, make_user: MakePrincipal
) -> None:
    bea = make_user("bea@example.org")
    assert identity.create_token(bea, {})["token_value"]
    permissions.set_permissions(admin, "authorization", "tokens", acl())
    with pytest.raises(PermissionDenied):
        identity.create_token(bea, {})
    assert identity.create_token(admin, {})["token_value"]
    listed = permissions.get_permissions(admin, "authorization", "tokens")
    assert (listed["object_id"], listed["object_type"]) == ("/authorization/tokens", "tokens")
    assert direct(listed) == {"admins": "CAN_MANAGE"}


def test_defaults_are_set_once(store: Store, identity: IdentityService, admin: Principal) -> None:
    Permissions(store, identity).set_permissions(admin, "authorization", "tokens", acl())
    assert direct(Permissions(store, identity).get_permissions(admin, "authorization", "tokens")) == {
        "admins": "CAN_MANAGE"
    }


def test_a_principal_s_entries_go_with_it(
    identity: IdentityService, permissions: Permissions, admin: Principal, make_user: MakePrincipal
) -> None:
    bea = make_user("bea@example.org")
    permissions.grant_owner("jobs", "7", bea)
    identity.scim.delete(admin, ResourceType.USERS, str(bea.id))
    assert permissions.owner("jobs", "7") is None
    assert direct(permissions.get_permissions(admin, "jobs", "7")) == {}


def test_a_deleted_object_leaves_nothing_to_the_next_of_its_id(
    permissions: Permissions, make_user: MakePrincipal
) -> None:
    bea = make_user("bea@example.org")
    permissions.grant_owner("experiments", "5", bea)
    assert permissions.level(bea, "experiments", "5") == "CAN_MANAGE"
    permissions.forget("experiments", "5")
    assert permissions.level(bea, "experiments", "5") is None


@pytest.mark.parametrize("object_type", sorted(TYPES))
def test_every_type_describes_its_levels(permissions: Permissions, admin: Principal, object_type: str) -> None:
    permissions.register_type(object_type, lambda object_id: True)
    answer = permissions.get_permission_levels(admin, object_type, "1")["permission_levels"]
    assert [item["permission_level"] for item in answer] == list(TYPES[object_type].levels)
    assert all(item["description"] for item in answer)


LEVELS = TYPES["jobs"].levels
HOLDERS = ("bea@example.org", "cy@example.org", "dee@example.org", "engineers")
LISTS = st.lists(st.tuples(st.sampled_from(HOLDERS), st.sampled_from(LEVELS)), max_size=5)


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Permissions, Principal]:
    """Permissions with the holders above, for many examples on objects of their own."""
    path: Path = tmp_path_factory.mktemp("jobs") / "workspace.db"
    identity = IdentityService(Store(path), Clock())
    admin = identity.authenticate(identity.bootstrap("ada@example.org"))
    for name in HOLDERS:
        kind, body = (
            (ResourceType.USERS, {"userName": name}) if "@" in name else (ResourceType.GROUPS, {"displayName": name})
        )
        identity.scim.create(admin, kind, body)
    service = Permissions(Store(path), identity)
    service.register_type("jobs", lambda object_id: True)
    return service, admin


def strongest(entries: list[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, level in entries:
        if name not in found or LEVELS.index(level) > LEVELS.index(found[name]):
            found[name] = level
    return found


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(job=st.integers(1, 4), changes=st.lists(st.tuples(st.booleans(), LISTS), max_size=6))
def test_any_changes_keep_one_owner_and_what_was_refused_changes_nothing(
    jobs: tuple[Permissions, Principal], job: int, changes: list[tuple[bool, list[tuple[str, str]]]]
) -> None:
    permissions, admin = jobs
    permissions.forget("jobs", str(job))
    model: dict[str, str] = {}
    for whole, entries in changes:
        given_levels = strongest(entries)
        new_owner = "IS_OWNER" in given_levels.values()
        kept = {} if whole else {n: "CAN_MANAGE" if new_owner and x == "IS_OWNER" else x for n, x in model.items()}
        wanted = {**kept, **given_levels}
        owners = [name for name, level in wanted.items() if level == "IS_OWNER"]
        body = {
            "access_control_list": [
                {("user_name" if "@" in name else "group_name"): name, "permission_level": level}
                for name, level in entries
            ]
        }
        change = permissions.set_permissions if whole else permissions.update_permissions
        try:
            change(admin, "jobs", str(job), body)
        except ApiError:
            assert len(owners) != 1 or owners == ["engineers"]
        else:
            assert len(owners) == 1
            model = wanted
        assert direct(permissions.get_permissions(admin, "jobs", str(job))) == model
