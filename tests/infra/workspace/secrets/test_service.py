from __future__ import annotations

import base64
import stat
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.workspace.config import WorkspaceConfig
from infra.workspace.control.clock import Clock
from infra.workspace.gateway.errors import (
    AlreadyExists,
    ApiError,
    BadRequest,
    InvalidState,
    MalformedRequest,
    NotFound,
    NotSupported,
    PermissionDenied,
)
from infra.workspace.identity.principal import Principal
from infra.workspace.identity.scim_json import ResourceType
from infra.workspace.identity.service import IdentityService
from infra.workspace.secrets.redaction import REDACTED, redactor
from infra.workspace.secrets.service import SecretsService
from infra.workspace.store.database import Store

MakeUser = Callable[[str], Principal]
VALUE = "s3cret-value-of-staging"


@pytest.fixture
def scope(secrets: SecretsService, admin: Principal) -> str:
    secrets.create_scope(admin, {"scope": "dev-hrob"})
    secrets.put_secret(admin, {"scope": "dev-hrob", "key": "token", "string_value": VALUE})
    return "dev-hrob"


def text(secrets: SecretsService, principal: Principal, scope: str, key: str) -> str:
    return base64.b64decode(secrets.get_secret(principal, scope, key)["value"]).decode()


def test_values_come_back_and_are_not_on_the_disk(
    secrets: SecretsService, admin: Principal, scope: str, config: WorkspaceConfig
) -> None:
    raw = bytes(range(256))
    secrets.put_secret(admin, {"scope": scope, "key": "raw", "bytes_value": base64.b64encode(raw).decode()})
    assert text(secrets, admin, scope, "token") == VALUE
    assert base64.b64decode(secrets.get_secret(admin, scope, "raw")["value"]) == raw
    listed = secrets.list_secrets(admin, scope)["secrets"]
    assert [item["key"] for item in listed] == ["raw", "token"]
    assert all(item["last_updated_timestamp"] > 0 for item in listed)
    for file in config.data_dir.iterdir():
        assert VALUE.encode() not in file.read_bytes()
    assert stat.S_IMODE((config.data_dir / "vault.key").stat().st_mode) == 0o600


def test_secrets_survive_a_restart_but_not_another_key(
    secrets: SecretsService,
    store: Store,
    identity: IdentityService,
    config: WorkspaceConfig,
    admin: Principal,
    scope: str,
) -> None:
    assert text(SecretsService(store, Clock(), identity, config), admin, scope, "token") == VALUE
    (config.data_dir / "vault.key").unlink()
    with pytest.raises(InvalidState, match=r"vault\.key"):
        SecretsService(store, Clock(), identity, config).get_secret(admin, scope, "token")


@pytest.mark.parametrize(
    ("permission", "allowed"),
    [
        (None, set()),
        ("READ", {"get", "list"}),
        ("WRITE", {"get", "list", "put", "delete"}),
        ("MANAGE", {"get", "list", "put", "delete", "grant"}),
    ],
)
def test_each_permission_allows_what_it_says(
    secrets: SecretsService,
    admin: Principal,
    make_user: MakeUser,
    scope: str,
    permission: str | None,
    allowed: set[str],
) -> None:
    bea = make_user("bea@example.org")
    if permission:
        secrets.put_acl(admin, scope, bea.name, permission)
    calls: dict[str, Callable[[], object]] = {
        "get": lambda: secrets.get_secret(bea, scope, "token"),
        "list": lambda: secrets.list_secrets(bea, scope),
        "put": lambda: secrets.put_secret(bea, {"scope": scope, "key": "new", "string_value": "x"}),
        "delete": lambda: secrets.delete_secret(bea, scope, "token"),
        "grant": lambda: secrets.put_acl(bea, scope, "users", "READ"),
    }
    assert secrets.list_scopes(bea)["scopes"] == ([{"name": scope, "backend_type": "DATABRICKS"}] if permission else [])
    for name, call in calls.items():
        if name in allowed:
            call()
        else:
            with pytest.raises(PermissionDenied):
                call()


def test_acls_reach_through_groups_and_end_with_their_principal(
    secrets: SecretsService, identity: IdentityService, admin: Principal, make_user: MakeUser, scope: str
) -> None:
    bea = make_user("bea@example.org")
    group = identity.scim.create(
        admin, ResourceType.GROUPS, {"displayName": "engineers", "members": [{"value": str(bea.id)}]}
    )
    secrets.put_acl(admin, scope, "engineers", "READ")
    assert text(secrets, bea, scope, "token") == VALUE
    assert secrets.get_acl(admin, scope, "engineers") == {"principal": "engineers", "permission": "READ"}
    creator = {"principal": "ada@example.org", "permission": "MANAGE"}
    assert secrets.list_acls(admin, scope)["items"] == [creator, {"principal": "engineers", "permission": "READ"}]
    identity.scim.delete(admin, ResourceType.GROUPS, group["id"])
    with pytest.raises(PermissionDenied):
        secrets.get_secret(bea, scope, "token")
    assert secrets.list_acls(admin, scope)["items"] == [creator]


def test_what_is_refused_carries_databricks_code(secrets: SecretsService, admin: Principal, scope: str) -> None:
    akv = {"scope": "akv", "scope_backend_type": "AZURE_KEYVAULT", "backend_azure_keyvault": {"dns_name": "x"}}
    cases: list[tuple[Callable[[], object], type[ApiError], str]] = [
        (lambda: secrets.create_scope(admin, {"scope": scope}), AlreadyExists, "RESOURCE_ALREADY_EXISTS"),
        (lambda: secrets.create_scope(admin, {"scope": "a b"}), BadRequest, "INVALID_PARAMETER_VALUE"),
        (lambda: secrets.create_scope(admin, akv), NotSupported, "NOT_IMPLEMENTED"),
        (
            lambda: secrets.create_scope(admin, {"scope": "s", "initial_manage_principal": "bea"}),
            BadRequest,
            "INVALID_PARAMETER_VALUE",
        ),
        (lambda: secrets.get_secret(admin, "none", "k"), NotFound, "RESOURCE_DOES_NOT_EXIST"),
        (lambda: secrets.get_secret(admin, scope, "none"), NotFound, "RESOURCE_DOES_NOT_EXIST"),
        (lambda: secrets.delete_secret(admin, scope, "none"), NotFound, "RESOURCE_DOES_NOT_EXIST"),
        (lambda: secrets.get_acl(admin, scope, "users"), NotFound, "RESOURCE_DOES_NOT_EXIST"),
        (lambda: secrets.delete_acl(admin, scope, "users"), NotFound, "RESOURCE_DOES_NOT_EXIST"),
        (lambda: secrets.put_acl(admin, scope, "users", "OWN"), BadRequest, "INVALID_PARAMETER_VALUE"),
        (lambda: secrets.put_acl(admin, scope, "nobody", "READ"), BadRequest, "INVALID_PARAMETER_VALUE"),
        (lambda: secrets.put_secret(admin, {"scope": scope, "key": "k"}), MalformedRequest, "MALFORMED_REQUEST"),
        (
            lambda: secrets.put_secret(admin, {"scope": scope, "key": "k", "bytes_value": "no base64!"}),
            MalformedRequest,
            "MALFORMED_REQUEST",
        ),
        (
            lambda: secrets.put_secret(admin, {"scope": scope, "key": "k", "string_value": "x" * 131_073}),
            BadRequest,
            "INVALID_PARAMETER_VALUE",
        ),
    ]
    for call, error, code in cases:
        with pytest.raises(error) as refused:
            call()
        assert refused.value.code == code
        assert VALUE not in refused.value.message


def test_everyone_manages_a_scope_made_for_users(
    secrets: SecretsService, admin: Principal, make_user: MakeUser
) -> None:
    bea = make_user("bea@example.org")
    secrets.create_scope(admin, {"scope": "shared", "initial_manage_principal": "users"})
    secrets.put_secret(bea, {"scope": "shared", "key": "k", "string_value": "v"})
    secrets.delete_scope(bea, "shared")
    assert secrets.list_scopes(admin) == {"scopes": []}
    secrets.create_scope(admin, {"scope": "shared"})
    assert secrets.list_secrets(admin, "shared") == {"secrets": []}


def test_references_are_resolved_for_those_who_may_read(
    secrets: SecretsService, admin: Principal, make_user: MakeUser, scope: str
) -> None:
    assert secrets.resolve(admin, "Bearer {{secrets/dev-hrob/token}}!") == f"Bearer {VALUE}!"
    assert secrets.resolve(admin, "{{ secrets/dev-hrob/token }}") == VALUE
    assert secrets.resolve(admin, "{{job.id}} {{secrets/x}}") == "{{job.id}} {{secrets/x}}"
    with pytest.raises(PermissionDenied):
        secrets.resolve(make_user("bea@example.org"), "{{secrets/dev-hrob/token}}")
    with pytest.raises(NotFound):
        secrets.resolve(admin, "{{secrets/dev-hrob/none}}")


def test_a_task_s_log_hides_what_its_principal_may_read_also_after_a_change(
    secrets: SecretsService, admin: Principal, make_user: MakeUser, scope: str
) -> None:
    bea = make_user("bea@example.org")
    line = f"connecting with {VALUE} and other-value"
    assert secrets.redact(line, bea) == line
    secrets.put_acl(admin, scope, bea.name, "READ")
    assert secrets.redact(line, bea) == f"connecting with {REDACTED} and other-value"
    secrets.put_secret(admin, {"scope": scope, "key": "token", "string_value": "other-value"})
    assert secrets.redact(line, bea) == f"connecting with {VALUE} and {REDACTED}"


@given(st.lists(st.text(min_size=1), max_size=5), st.text(), st.text())
def test_no_value_is_left_in_redacted_text(values: list[str], before: str, after: str) -> None:
    hide = redactor(values)
    for value in values:
        if value.strip():
            assert value.strip() not in hide(before + value + after).replace(REDACTED, "")


def test_each_line_of_a_longer_secret_is_hidden() -> None:
    hide = redactor(["-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG\nshort\n-----END KEY-----\n"])
    assert hide("  MIIEvQIBADANBgkqhkiG") == f"  {REDACTED}"
    assert hide("short") == "short"
