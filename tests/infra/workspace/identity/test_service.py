from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from datetime import timedelta

import pytest

from infra.workspace.control.clock import Clock
from infra.workspace.gateway.errors import (
    BadRequest,
    Conflict,
    NotFound,
    NotSupported,
    PermissionDenied,
    Unauthenticated,
)
from infra.workspace.identity.principal import Principal
from infra.workspace.identity.scim_json import ResourceType
from infra.workspace.identity.service import IdentityService
from infra.workspace.store.database import Store

MakePrincipal = Callable[[str], Principal]
HOUR = timedelta(hours=1)


def may_use(identity: IdentityService, admin: Principal, target: Principal, *holders: str) -> None:
    name = f"accounts/1/servicePrincipals/{target.name}/ruleSets/default"
    etag = identity.rule_sets.get_rule_set(admin, name)["etag"]
    rules = [{"role": "roles/servicePrincipal.user", "principals": list(holders)}]
    identity.rule_sets.update_rule_set(
        admin, {"name": name, "rule_set": {"name": name, "etag": etag, "grant_rules": rules}}
    )


def test_bootstrap_makes_one_admin_and_a_token_that_outlives_restarts(store: Store, clock: Clock) -> None:
    first = IdentityService(store, clock).bootstrap("ada@example.org")
    again = IdentityService(store, clock)
    second = again.bootstrap("ada@example.org")
    assert again.authenticate(first) == again.authenticate(second)
    assert again.authenticate(first).admin
    clock.advance(timedelta(days=4000))
    assert again.authenticate(first).name == "ada@example.org"


def test_no_secret_is_kept_in_the_clear(store: Store, identity: IdentityService, admin: Principal) -> None:
    made = identity.scim.create(admin, ResourceType.SERVICE_PRINCIPALS, {"displayName": "robot"})
    secret = identity.oauth.create_secret(admin, made["id"], {})["secret"]
    tokens = [
        identity.create_token(admin, {"comment": "c"})["token_value"],
        identity.issue_token(admin, HOUR, "run 1"),
        identity.oauth.client_credentials(made["applicationId"], secret, None)["access_token"],
    ]
    dump = "\n".join(sqlite3.connect(store.path).iterdump())
    assert all(identity.authenticate(token) for token in tokens)
    assert not [value for value in (secret, *tokens) if value in dump]


@pytest.mark.parametrize("token", ["", "dapi", "dapi00000000000000000000000000000000", "' or 1=1 --", "\x00é"])
def test_unknown_tokens_are_refused(identity: IdentityService, token: str) -> None:
    with pytest.raises(Unauthenticated):
        identity.authenticate(token)


def test_a_run_s_token_is_its_principal_s_until_it_expires_and_no_list_shows_it(
    identity: IdentityService, make_service_principal: MakePrincipal, clock: Clock
) -> None:
    robot = make_service_principal("robot")
    token = identity.issue_token(robot, HOUR, comment="run 1")
    assert identity.authenticate(token) == robot
    assert identity.list_tokens(robot) == {"token_infos": []}
    clock.advance(HOUR)
    with pytest.raises(Unauthenticated):
        identity.authenticate(token)


def test_what_changes_about_a_principal_counts_with_its_next_call(
    identity: IdentityService, admin: Principal, make_user: MakePrincipal, make_group: Callable[..., str]
) -> None:
    bea = make_user("bea@example.org")
    token = identity.issue_token(bea, HOUR)
    other = identity.issue_token(bea, HOUR)
    group = make_group("engineers", bea)
    assert "engineers" in identity.authenticate(token).groups
    identity.scim.delete(admin, ResourceType.GROUPS, group)
    assert "engineers" not in identity.authenticate(token).groups
    identity.revoke(other)
    with pytest.raises(Unauthenticated):
        identity.authenticate(other)
    identity.scim.replace(admin, ResourceType.USERS, str(bea.id), {"userName": bea.name, "active": False})
    with pytest.raises(Unauthenticated, match="deactivated"):
        identity.authenticate(token)
    identity.scim.delete(admin, ResourceType.USERS, str(bea.id))
    with pytest.raises(Unauthenticated):
        identity.authenticate(token)


def test_authentication_takes_less_than_a_millisecond(
    identity: IdentityService, make_user: MakePrincipal, make_group: Callable[..., str]
) -> None:
    bea = make_user("bea@example.org")
    inner = make_group("inner", bea)
    make_group("outer", inner)
    token = identity.issue_token(bea, HOUR)
    identity.authenticate(token)
    times = []
    for _ in range(50):
        started = time.perf_counter()
        identity.authenticate(token)
        times.append(time.perf_counter() - started)
    assert min(times) < 0.001


def test_who_may_run_as_whom(
    identity: IdentityService,
    admin: Principal,
    make_user: MakePrincipal,
    make_service_principal: MakePrincipal,
    make_group: Callable[..., str],
) -> None:
    bea, cy, robot = make_user("bea@example.org"), make_user("cy@example.org"), make_service_principal("robot")
    assert identity.may_run_as(bea, bea)
    assert identity.may_run_as(admin, robot)
    assert not identity.may_run_as(bea, cy)
    assert not identity.may_run_as(bea, robot)
    make_group("engineers", cy)
    may_use(identity, admin, robot, "users/bea@example.org", "groups/engineers")
    assert identity.may_run_as(bea, robot)
    assert identity.may_run_as(cy, robot)
    assert not identity.may_run_as(robot, bea)
    may_use(identity, admin, robot)
    assert not identity.may_run_as(bea, robot)


def test_rule_sets_are_changed_by_managers_with_the_current_etag(
    identity: IdentityService, admin: Principal, make_user: MakePrincipal, make_service_principal: MakePrincipal
) -> None:
    bea, robot = make_user("bea@example.org"), make_service_principal("robot")
    name = f"accounts/abc/servicePrincipals/{robot.name}/ruleSets/default"
    with pytest.raises(PermissionDenied):
        identity.rule_sets.get_rule_set(bea, name)
    etag = identity.rule_sets.get_rule_set(admin, name)["etag"]
    rules = [{"role": "roles/servicePrincipal.manager", "principals": [f"users/{bea.name}"]}]
    update = {"name": name, "rule_set": {"etag": etag, "grant_rules": rules}}
    assert identity.rule_sets.update_rule_set(admin, update)["grant_rules"] == rules
    with pytest.raises(Conflict):
        identity.rule_sets.update_rule_set(admin, update)
    assert identity.may_manage(bea, robot.id)
    assert not identity.may_run_as(bea, robot)
    assert identity.oauth.create_secret(bea, str(robot.id), {})["secret"]
    bad_role = [{"role": "roles/owner", "principals": []}]
    newer = identity.rule_sets.get_rule_set(bea, name)["etag"]
    with pytest.raises(BadRequest, match="roles/owner"):
        identity.rule_sets.update_rule_set(bea, {"name": name, "rule_set": {"etag": newer, "grant_rules": bad_role}})
    with pytest.raises(NotSupported):
        identity.rule_sets.get_rule_set(admin, "accounts/abc/ruleSets/default")
    with pytest.raises(NotFound):
        identity.rule_sets.get_rule_set(admin, "accounts/abc/servicePrincipals/nobody/ruleSets/default")


def test_a_service_principal_has_at_most_five_secrets_and_they_expire(
    identity: IdentityService, admin: Principal, make_service_principal: MakePrincipal, clock: Clock
) -> None:
    robot = make_service_principal("robot")
    made = [identity.oauth.create_secret(admin, str(robot.id), {"lifetime": "60s"}) for _ in range(5)]
    with pytest.raises(BadRequest, match="5 secrets"):
        identity.oauth.create_secret(admin, str(robot.id), {})
    with pytest.raises(PermissionDenied):
        identity.oauth.list_secrets(robot, str(robot.id))
    clock.advance(timedelta(seconds=60))
    assert identity.oauth.list_secrets(admin, str(robot.id)) == {"secrets": []}
    with pytest.raises(Exception, match="Client authentication failed"):
        identity.oauth.client_credentials(robot.name, made[0]["secret"], None)
    assert identity.oauth.create_secret(admin, str(robot.id), {})["secret"]
    for lifetime in ("soon", "-5s", "999999999s"):
        with pytest.raises(BadRequest, match="lifetime"):
            identity.oauth.create_secret(admin, str(robot.id), {"lifetime": lifetime})


def test_entitlements_come_from_groups_too(
    identity: IdentityService, admin: Principal, make_user: MakePrincipal
) -> None:
    bea = make_user("bea@example.org")
    assert identity.entitled(bea, "workspace-access")
    assert not identity.entitled(bea, "allow-cluster-create")
    identity.scim.create(
        admin,
        ResourceType.GROUPS,
        {
            "displayName": "builders",
            "members": [{"value": str(bea.id)}],
            "entitlements": [{"value": "allow-cluster-create"}],
        },
    )
    assert identity.entitled(bea, "allow-cluster-create")
    assert identity.entitled(admin, "workspace-consume")


def test_one_deletes_one_s_own_tokens_only(
    identity: IdentityService, admin: Principal, make_user: MakePrincipal
) -> None:
    bea = make_user("bea@example.org")
    made = identity.create_token(admin, {"lifetime_seconds": 60})
    token_id = made["token_info"]["token_id"]
    with pytest.raises(NotFound):
        identity.delete_token(bea, token_id)
    with pytest.raises(PermissionDenied):
        identity.delete_managed_token(bea, token_id)
    identity.delete_token(admin, token_id)
    with pytest.raises(Unauthenticated):
        identity.authenticate(made["token_value"])
    for seconds in ("60", -5, 10**9, True):
        with pytest.raises(BadRequest, match="lifetime_seconds"):
            identity.create_token(bea, {"lifetime_seconds": seconds})
