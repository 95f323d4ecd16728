"""The room as databricks-sdk sees it over HTTP, with a token and with OAuth."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.core import Config
from databricks.sdk.errors import NotFound, PermissionDenied, ResourceConflict, Unauthenticated
from databricks.sdk.service import iam

from infra.workspace.control.clock import Clock
from infra.workspace.identity.federation_policy import ACCOUNT_ID


@pytest.fixture(autouse=True)
def no_profile(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", f"{tmp_path}/none")


def client(host: str, token: str) -> WorkspaceClient:
    return WorkspaceClient(config=Config(host=host, token=token, auth_type="pat"))


def oauth_client(host: str, client_id: str | None, secret: str | None) -> WorkspaceClient:
    return WorkspaceClient(config=Config(host=host, client_id=client_id, client_secret=secret, auth_type="oauth-m2m"))


def test_users_groups_and_service_principals_through_the_sdk(host: str, admin_token: str) -> None:
    w = client(host, admin_token)
    assert w.current_user.me().user_name == "ada@example.org"
    user = w.users.create(user_name="bea@example.org", display_name="Bea")
    robot = w.service_principals.create(display_name="branchline-dev")
    group = w.groups.create(display_name="engineers", members=[iam.ComplexValue(value=user.id)])
    assert group.id
    w.groups.patch(
        group.id,
        operations=[iam.Patch(op=iam.PatchOp.ADD, path="members", value=[{"value": robot.id}])],
        schemas=[iam.PatchSchema.URN_IETF_PARAMS_SCIM_API_MESSAGES_2_0_PATCH_OP],
    )
    members = {(member.value, member.ref) for member in w.groups.get(group.id).members or []}
    assert members == {(user.id, f"Users/{user.id}"), (robot.id, f"ServicePrincipals/{robot.id}")}
    found = list(w.service_principals.list(filter='displayName eq "branchline-dev"'))
    assert [item.application_id for item in found] == [robot.application_id]
    with pytest.raises(ResourceConflict, match=r"Group with name engineers already exists\.$"):
        w.groups.create(display_name="engineers")
    w.users.delete(user.id)
    with pytest.raises(NotFound):
        w.users.get(user.id)
    assert [member.value for member in w.groups.get(group.id).members or []] == [robot.id]


def test_a_service_principal_logs_in_with_its_secret_until_it_is_deleted(host: str, admin_token: str) -> None:
    w = client(host, admin_token)
    robot = w.service_principals.create(display_name="robot")
    assert robot.id
    secret = w.service_principal_secrets_proxy.create(robot.id, lifetime="3600s")
    assert secret.id
    me = oauth_client(host, robot.application_id, secret.secret).current_user.me()
    assert (me.user_name, me.display_name) == (robot.application_id, "robot")
    listed = list(w.service_principal_secrets_proxy.list(robot.id))
    assert [item.id for item in listed] == [secret.id]
    assert secret.secret not in str([item.as_dict() for item in listed])
    w.service_principal_secrets_proxy.delete(robot.id, secret.id)
    with pytest.raises(ValueError, match="invalid_client"):
        oauth_client(host, robot.application_id, secret.secret).current_user.me()


def test_an_oauth_token_ends_after_an_hour(host: str, admin_token: str, clock: Clock) -> None:
    w = client(host, admin_token)
    robot = w.service_principals.create(display_name="robot")
    assert robot.id
    secret = w.service_principal_secrets_proxy.create(robot.id)
    form = {
        "grant_type": "client_credentials",
        "client_id": robot.application_id,
        "client_secret": secret.secret,
        "scope": "all-apis",
    }
    answer = httpx.post(f"{host}/oidc/v1/token", data=form).json()
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 3600)
    assert client(host, answer["access_token"]).current_user.me().id == robot.id
    clock.advance(timedelta(seconds=3601))
    with pytest.raises(Unauthenticated):
        client(host, answer["access_token"]).current_user.me()


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": "client_credentials", "client_id": "x", "client_secret": "y"}, 401, "invalid_client"),
        ({"grant_type": "client_credentials", "scope": "sql"}, 400, "invalid_scope"),
        ({}, 400, "unsupported_grant_type"),
    ],
)
def test_refused_token_requests_have_the_shape_of_rfc_6749(
    host: str, form: dict[str, str], status: int, error: str
) -> None:
    answer = httpx.post(f"{host}/oidc/v1/token", data=form)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_discovery_names_endpoints_with_scheme_and_port(host: str) -> None:
    told = httpx.get(f"{host}/.well-known/databricks-config").json()
    assert told == {"oidc_endpoint": f"{host}/oidc", "account_id": ACCOUNT_ID}
    for document in ("oauth-authorization-server", "openid-configuration"):
        found = httpx.get(f"{host}/oidc/.well-known/{document}").json()
        assert found["token_endpoint"] == f"{host}/oidc/v1/token"
    assert httpx.get(f"{host}/oidc/v1/authorize").status_code == 501


def test_only_admins_change_principals_but_everyone_looks_them_up(host: str, admin_token: str) -> None:
    w = client(host, admin_token)
    robot = w.service_principals.create(display_name="robot")
    assert robot.application_id
    token = w.token_management.create_obo_token(robot.application_id, lifetime_seconds=600).token_value
    assert token
    own = client(host, token)
    assert [item.id for item in own.service_principals.list(filter='displayName eq "robot"')] == [robot.id]
    assert [item.user_name for item in own.users.list()] == ["ada@example.org"]
    with pytest.raises(PermissionDenied, match="Only workspace admins"):
        own.groups.create(display_name="mine")
    with pytest.raises(PermissionDenied):
        list(own.token_management.list())


def test_personal_tokens_are_listed_without_their_value_and_end(host: str, admin_token: str, clock: Clock) -> None:
    w = client(host, admin_token)
    made = w.tokens.create(comment="laptop", lifetime_seconds=60)
    assert made.token_value
    assert made.token_info
    infos = {info.token_id: info for info in w.tokens.list()}
    assert infos[made.token_info.token_id].comment == "laptop"
    assert made.token_value not in str([info.as_dict() for info in infos.values()])
    assert client(host, made.token_value).current_user.me().user_name == "ada@example.org"
    clock.advance(timedelta(seconds=61))
    with pytest.raises(Unauthenticated):
        client(host, made.token_value).current_user.me()
    assert made.token_info.token_id not in {info.token_id for info in w.tokens.list()}


def test_permissions_through_the_sdk(host: str, admin_token: str) -> None:
    w = client(host, admin_token)
    robot = w.service_principals.create(display_name="robot")
    answer = w.permissions.set(
        "jobs",
        "7",
        access_control_list=[
            iam.AccessControlRequest(user_name=robot.application_id, permission_level=iam.PermissionLevel.IS_OWNER),
            iam.AccessControlRequest(group_name="users", permission_level=iam.PermissionLevel.CAN_VIEW),
        ],
    )
    assert (answer.object_id, answer.object_type) == ("/jobs/7", "job")
    found = {
        item.service_principal_name or item.group_name: (
            item.all_permissions[0].permission_level,
            item.all_permissions[0].inherited,
            item.all_permissions[0].inherited_from_object,
        )
        for item in answer.access_control_list or []
        if item.all_permissions
    }
    assert found == {
        robot.application_id: (iam.PermissionLevel.IS_OWNER, False, None),
        "users": (iam.PermissionLevel.CAN_VIEW, False, None),
        "admins": (iam.PermissionLevel.CAN_MANAGE, True, ["/jobs/"]),
    }
    assert w.permissions.get("sql/warehouses", "w1").object_type == "warehouses"
    levels = w.permissions.get_permission_levels("cluster-policies", "p").permission_levels or []
    assert [item.permission_level for item in levels] == [iam.PermissionLevel.CAN_USE]
    with pytest.raises(NotFound):
        w.permissions.get("jobs", "missing")


def test_rule_sets_through_the_sdk(host: str, admin_token: str) -> None:
    w = client(host, admin_token)
    robot = w.service_principals.create(display_name="robot")
    name = f"accounts/1/servicePrincipals/{robot.application_id}/ruleSets/default"
    empty = w.account_access_control_proxy.get_rule_set(name, "")
    rule = iam.GrantRule(role="roles/servicePrincipal.user", principals=["users/ada@example.org"])
    update = iam.RuleSetUpdateRequest(name=name, etag=empty.etag, grant_rules=[rule])
    changed = w.account_access_control_proxy.update_rule_set(name, update)
    assert [item.as_dict() for item in changed.grant_rules or []] == [rule.as_dict()]
    with pytest.raises(ResourceConflict):
        w.account_access_control_proxy.update_rule_set(name, update)
