"""Logging in without a stored secret: policies, and the real SDK with tokens of an issuer on loopback."""

from __future__ import annotations

import hmac
import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from databricks.sdk import AccountClient, WorkspaceClient
from databricks.sdk.core import Config
from databricks.sdk.errors import BadRequest, NotFound, PermissionDenied, ResourceAlreadyExists, Unauthenticated
from databricks.sdk.service.iam import ServicePrincipal
from databricks.sdk.service.oauth2 import FederationPolicy, OidcFederationPolicy

from infra.workspace.control.clock import Clock
from infra.workspace.identity.federation_policy import ACCOUNT_ID
from infra.workspace.store.database import Store
from tests.support.issuer import Issuer, encoded, running_issuer

AUDIENCE = "https://github.com/example"
SUBJECT = "repo:example/project:environment:prod"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
JWT = "urn:ietf:params:oauth:token-type:jwt"


@pytest.fixture(autouse=True)
def no_profile(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", f"{tmp_path}/none")


@pytest.fixture(scope="module")
def forge() -> Iterator[Issuer]:
    with running_issuer() as issuer:
        yield issuer


@pytest.fixture
def account(host: str, admin_token: str) -> AccountClient:
    return AccountClient(config=Config(host=host, token=admin_token, account_id=ACCOUNT_ID, auth_type="pat"))


@pytest.fixture
def robot(host: str, admin_token: str) -> ServicePrincipal:
    client = WorkspaceClient(config=Config(host=host, token=admin_token, auth_type="pat"))
    return client.service_principals.create(display_name="branchline-prod")


@pytest.fixture
def trust(account: AccountClient, robot: ServicePrincipal, forge: Issuer) -> Callable[..., FederationPolicy]:
    """Makes a policy for the robot."""

    def make(policy_id: str | None = None, **fields: Any) -> FederationPolicy:
        wanted = {"issuer": forge.url, "audiences": [AUDIENCE], "subject": SUBJECT, **fields}
        policy = FederationPolicy(oidc_policy=OidcFederationPolicy(**wanted))
        return account.service_principal_federation_policy.create(int(robot.id or 0), policy, policy_id=policy_id)

    return make


def exchange(host: str, robot: ServicePrincipal, token: str, **others: str) -> httpx.Response:
    form = {
        "grant_type": EXCHANGE,
        "client_id": robot.application_id or "",
        "subject_token": token,
        "subject_token_type": JWT,
        "scope": "all-apis",
        **others,
    }
    return httpx.post(f"{host}/oidc/v1/token", data=form, timeout=30)


def refusal(answer: httpx.Response) -> tuple[str, str]:
    """The error and its description, after a look at whether either gives something away."""
    assert answer.status_code == 400
    body = answer.json()
    assert body.keys() == {"error", "error_description"}
    for value in (SUBJECT, AUDIENCE, "example"):
        assert value not in answer.text
    return body["error"], body["error_description"]


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_the_sdk_logs_in_by_a_token_in_a_file(
    host: str,
    robot: ServicePrincipal,
    trust: Callable[..., FederationPolicy],
    forge: Issuer,
    tmp_path: Path,
    algorithm: str,
) -> None:
    trust()
    path = tmp_path / "token"
    path.write_text(forge.token(SUBJECT, AUDIENCE, algorithm))
    config = Config(host=host, client_id=robot.application_id, oidc_token_filepath=str(path), auth_type="file-oidc")
    me = WorkspaceClient(config=config).current_user.me()
    assert (me.user_name, me.display_name) == (robot.application_id, "branchline-prod")


def test_the_sdk_logs_in_by_a_token_in_the_environment(
    host: str,
    robot: ServicePrincipal,
    trust: Callable[..., FederationPolicy],
    forge: Issuer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trust(audiences=None)  # then the audience is the account
    monkeypatch.setenv("FORGE_TOKEN", forge.token(SUBJECT, [ACCOUNT_ID, "else"]))
    config = Config(host=host, client_id=robot.application_id, oidc_token_env="FORGE_TOKEN", auth_type="env-oidc")
    assert WorkspaceClient(config=config).current_user.me().user_name == robot.application_id


def test_github_actions_logs_in_as_its_runner_lets_it(
    host: str,
    robot: ServicePrincipal,
    trust: Callable[..., FederationPolicy],
    forge: Issuer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trust()
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "of the runner")
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", f"{forge.url}/token?api-version=2")
    forge.documents[f"/token?api-version=2&audience={AUDIENCE}"] = json.dumps(
        {"value": forge.token(SUBJECT, AUDIENCE)}
    ).encode()
    config = Config(host=host, client_id=robot.application_id, token_audience=AUDIENCE, auth_type="github-oidc")
    assert WorkspaceClient(config=config).current_user.me().user_name == robot.application_id


def test_the_access_token_is_short_lived_and_the_policy_s_end_is_the_login_s(
    host: str,
    robot: ServicePrincipal,
    trust: Callable[..., FederationPolicy],
    account: AccountClient,
    forge: Issuer,
    clock: Clock,
) -> None:
    policy = trust()
    answer = exchange(host, robot, forge.token(SUBJECT, AUDIENCE))
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("Bearer", 3600, "all-apis")
    own = WorkspaceClient(config=Config(host=host, token=body["access_token"], auth_type="pat"))
    assert own.current_user.me().id == robot.id
    account.service_principal_federation_policy.delete(int(robot.id or 0), policy.policy_id or "")
    assert refusal(exchange(host, robot, forge.token(SUBJECT, AUDIENCE)))[0] == "invalid_grant"
    clock.advance(timedelta(seconds=3601))
    with pytest.raises(Unauthenticated):
        own.current_user.me()


def test_a_token_that_the_policy_does_not_ask_for_is_refused(
    host: str, robot: ServicePrincipal, trust: Callable[..., FederationPolicy], forge: Issuer
) -> None:
    trust()
    now = int(time.time())
    cases: list[tuple[dict[str, Any], str]] = [
        ({"aud": "https://github.com/other"}, "audience (aud)"),
        ({"aud": []}, "audience (aud)"),
        ({"aud": {AUDIENCE: 1}}, "audience (aud)"),
        ({"aud": [[AUDIENCE]]}, "audience (aud)"),
        ({"aud": None}, "audience (aud)"),
        ({"sub": "repo:example/project:pull_request"}, "subject (sub)"),
        ({"sub": "repo:example/project:environment:PROD"}, "subject (sub)"),
        ({"sub": [SUBJECT]}, "subject (sub)"),
        ({"sub": None}, "subject (sub)"),
        ({"iss": "https://token.actions.githubusercontent.com"}, "no federation policy"),
        ({"iss": None}, "no federation policy"),
        ({"exp": now - 120}, "has expired"),
        ({"exp": None}, "does not say when it expires"),
        ({"exp": "never"}, "exp is not a time"),
        ({"exp": float("inf")}, "exp is not a time"),
        ({"exp": True}, "exp is not a time"),
        ({"nbf": now + 3600}, "not valid yet"),
        ({"iat": now + 3600}, "issued in the future"),
    ]
    for others, said in cases:
        error, description = refusal(exchange(host, robot, forge.token(SUBJECT, AUDIENCE, **others)))
        assert (error, said in description) == ("invalid_grant", True), (others, description)
    assert exchange(host, robot, forge.token(SUBJECT, AUDIENCE)).is_success


def forged(forge: Issuer) -> dict[str, str]:
    """Tokens with all the right claims that the issuer has not signed."""
    claims = forge.claims(SUBJECT, AUDIENCE)
    good = forge.sign(claims, {"alg": "RS256", "kid": "rsa"})
    content, _, signature = good.rpartition(".")
    none = f"{encoded(json.dumps({'alg': 'none'}).encode())}.{encoded(json.dumps(claims).encode())}"
    shared = f"{encoded(json.dumps({'alg': 'HS256'}).encode())}.{encoded(json.dumps(claims).encode())}"
    stranger = Issuer(forge.url)
    other = encoded(json.dumps(claims | {"extra": 1}).encode())
    return {
        "algorithm none": f"{none}.",
        "algorithm none, signed": f"{none}.{signature}",
        "shared secret": f"{shared}.{encoded(hmac.digest(forge.jwks().encode(), shared.encode(), sha256))}",
        "another's key": stranger.sign(claims, {"alg": "RS256"}),
        "another's key under a known name": stranger.sign(claims, {"alg": "ES256", "kid": "ec"}),
        "a key that is not the named one": forge.sign(claims, {"alg": "RS256", "kid": "ec"}),
        "no signature": f"{content}.",
        "changed claims": f"{content.partition('.')[0]}.{other}.{signature}",
        "the other kind of signature": forge.sign(claims, {"alg": "ES256"}).rpartition(".")[0] + f".{signature}",
        "critical extension": forge.sign(claims, {"alg": "RS256", "crit": ["b64"], "b64": False}),
        "critical extension that the library knows": forge.sign(claims, {"alg": "RS256", "crit": ["b64"], "b64": True}),
        "critical extensions that are none": forge.sign(claims, {"alg": "RS256", "crit": []}),
        "an algorithm for the same key": forge.sign(claims, {"alg": "RS512"}),
        "a list of algorithms": forge.sign(claims, {"alg": ["RS256"]}),
        "a key's name that is no text": forge.sign(claims, {"alg": "RS256", "kid": ["rsa"]}),
        "claims that are no object": forge.sign([1], {"alg": "RS256"}),
        "claims without end": f"{none.partition('.')[0]}.{encoded(b'[' * 12_000)}.{signature}",
        "not base64": f"{content}.%%%",
        "padding": f"{good}==",
        "four parts": f"{good}.{signature}",
        "two parts": content,
        "nothing": "",
        "very long": "a" * 20_000,
    }


def test_what_the_issuer_has_not_signed_is_refused(
    host: str, robot: ServicePrincipal, trust: Callable[..., FederationPolicy], forge: Issuer
) -> None:
    trust()
    answers = {what: exchange(host, robot, token) for what, token in forged(forge).items()}
    assert {what: refusal(answer)[0] for what, answer in answers.items()} == dict.fromkeys(answers, "invalid_grant")


def test_a_wrong_request_has_the_shape_of_rfc_6749(
    host: str, robot: ServicePrincipal, trust: Callable[..., FederationPolicy], forge: Issuer
) -> None:
    trust()
    cases = [
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:saml2"}, "invalid_request"),
        ({"client_id": ""}, "invalid_request"),
        ({"client_id": "00000000-0000-0000-0000-000000000000"}, "invalid_grant"),
        ({"scope": "sql"}, "invalid_scope"),
    ]
    for form, error in cases:
        assert refusal(exchange(host, robot, forge.token(SUBJECT, AUDIENCE), **form))[0] == error


def test_an_unknown_principal_is_answered_like_one_without_policies(
    host: str, robot: ServicePrincipal, forge: Issuer
) -> None:
    token = forge.token(SUBJECT, AUDIENCE)
    unknown = exchange(host, robot, token, client_id="00000000-0000-0000-0000-000000000000")
    assert (unknown.status_code, unknown.text) == (400, exchange(host, robot, token).text)


def test_a_deactivated_principal_does_not_log_in(
    host: str, admin_token: str, robot: ServicePrincipal, trust: Callable[..., FederationPolicy], forge: Issuer
) -> None:
    trust()
    path = f"{host}/api/2.0/preview/scim/v2/ServicePrincipals/{robot.id}"
    operation = {"op": "replace", "path": "active", "value": False}
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation]}
    headers = {"Authorization": f"Bearer {admin_token}"}
    assert httpx.patch(path, json=body, headers=headers).is_success
    assert refusal(exchange(host, robot, forge.token(SUBJECT, AUDIENCE)))[0] == "invalid_grant"


def test_each_policy_stands_for_its_own_principal_and_one_of_several_is_enough(
    host: str,
    admin_token: str,
    account: AccountClient,
    robot: ServicePrincipal,
    trust: Callable[..., FederationPolicy],
    forge: Issuer,
) -> None:
    trust("first", subject="repo:example/project:environment:dev")
    trust("second", subject="repo:example/project:pull_request")
    client = WorkspaceClient(config=Config(host=host, token=admin_token, auth_type="pat"))
    other = client.service_principals.create(display_name="branchline-staging")
    token = forge.token("repo:example/project:pull_request", AUDIENCE)
    assert exchange(host, robot, token).is_success
    assert refusal(exchange(host, other, token))[0] == "invalid_grant"


def test_keys_in_the_policy_need_no_issuer_that_answers(
    host: str, robot: ServicePrincipal, trust: Callable[..., FederationPolicy]
) -> None:
    quiet = Issuer("https://issuer.invalid")
    trust(issuer=quiet.url, jwks_json=quiet.jwks(), subject_claim="job")
    assert exchange(host, robot, quiet.token("else", AUDIENCE, job=SUBJECT)).is_success
    assert refusal(exchange(host, robot, quiet.token(SUBJECT, AUDIENCE)))[1].endswith("(job) is not the policy's")


def test_keys_without_names_are_all_tried_and_a_name_chooses_among_those_that_have_one(
    host: str, robot: ServicePrincipal, trust: Callable[..., FederationPolicy]
) -> None:
    first, second = Issuer("https://issuer.invalid"), Issuer("https://issuer.invalid")
    keys = [json.loads(issuer.jwks())["keys"][0] for issuer in (first, second)]
    nameless = [{name: value for name, value in key.items() if name != "kid"} for key in keys]
    claims = second.claims(SUBJECT, AUDIENCE)
    trust("named", issuer=first.url, jwks_json=json.dumps({"keys": [keys[0], keys[1] | {"kid": "next"}]}))
    for key_id, accepted in (({}, True), ({"kid": "next"}, True), ({"kid": "rsa"}, False), ({"kid": "else"}, False)):
        token = second.sign(claims, {"alg": "RS256", **key_id})
        assert exchange(host, robot, token).is_success == accepted, key_id
    trust("nameless", issuer=first.url, jwks_json=json.dumps({"keys": nameless}))
    assert exchange(host, robot, second.sign(claims, {"alg": "RS256", "kid": "else"})).is_success


def test_small_keys_prove_nothing_and_private_ones_no_more_than_their_public_half(
    host: str, robot: ServicePrincipal, trust: Callable[..., FederationPolicy]
) -> None:
    weak, leaky = Issuer("https://weak.invalid"), Issuer("https://leaky.invalid")
    weak.rsa = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - what is to be refused
    trust(issuer=weak.url, jwks_json=weak.jwks())
    assert refusal(exchange(host, robot, weak.token(SUBJECT, AUDIENCE)))[1].startswith("the token is not signed")
    assert exchange(host, robot, weak.token(SUBJECT, AUDIENCE, "ES256")).is_success
    trust(
        issuer=leaky.url,
        jwks_json=json.dumps({"keys": [key | {"d": "AQAB"} for key in json.loads(leaky.jwks())["keys"]]}),
    )
    for algorithm in ("RS256", "ES256"):
        assert exchange(host, robot, leaky.token(SUBJECT, AUDIENCE, algorithm)).is_success


def test_an_issuer_that_misbehaves_ends_in_a_clear_refusal(
    host: str, robot: ServicePrincipal, trust: Callable[..., FederationPolicy]
) -> None:
    discovery = "/.well-known/openid-configuration"
    cases = [
        (discovery, b"<html>", "not JSON"),
        (discovery, b'{"issuer": "https://elsewhere"}', "another issuer's"),
        ("/keys", b"[]", "no list 'keys'"),
        ("/keys", b'{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}', "no RSA key"),
        ("/keys", b'{"keys": [{"kty": "RSA", "n": "AQAB"}]}', "cannot be read"),
        ("/keys", b'{"keys": [{"kty": "RSA", "n": "example!", "e": "AQAB"}]}', "cannot be read"),
        ("/keys", b" " * 300_000, "more than 262144 bytes"),
        ("/keys", None, "answers 404"),
    ]
    with running_issuer() as issuer:
        trust(issuer=issuer.url)
        for path, document, said in cases:
            issuer.publish()
            issuer.documents.pop(path) if document is None else issuer.documents.update({path: document})
            error, description = refusal(exchange(host, robot, issuer.token(SUBJECT, AUDIENCE)))
            assert (error, said in description) == ("invalid_grant", True), (document, description)
    gone = refusal(exchange(host, robot, issuer.token(SUBJECT, AUDIENCE)))
    assert gone == ("invalid_grant", "the issuer's keys cannot be fetched: ConnectError")


def test_keys_are_asked_for_only_where_the_discovery_document_may_send_us(
    host: str, robot: ServicePrincipal, trust: Callable[..., FederationPolicy]
) -> None:
    with running_issuer() as issuer:
        trust(issuer=issuer.url)
        document = {"issuer": issuer.url, "jwks_uri": "http://169.254.169.254/keys"}
        issuer.documents["/.well-known/openid-configuration"] = json.dumps(document).encode()
        assert "by https" in refusal(exchange(host, robot, issuer.token(SUBJECT, AUDIENCE)))[1]
        assert exchange(host, robot, "x.y.z").status_code == 400
    assert issuer.asked == ["/.well-known/openid-configuration"]  # and never for a token that cannot be read


def test_policies_are_made_read_changed_and_deleted_through_the_sdk(
    account: AccountClient, robot: ServicePrincipal, trust: Callable[..., FederationPolicy], forge: Issuer
) -> None:
    policies, owner = account.service_principal_federation_policy, int(robot.id or 0)
    made = trust("github")
    assert made.name == f"accounts/{ACCOUNT_ID}/servicePrincipals/{owner}/federationPolicies/github"
    assert (made.policy_id, made.service_principal_id) == ("github", owner)
    assert made.uid
    assert made.create_time
    assert made.create_time == made.update_time
    assert policies.get(owner, "github") == made
    named = trust()
    assert [item.policy_id for item in policies.list(owner)] == ["github", named.policy_id]
    assert [item.policy_id for item in policies.list(owner, page_size=1)] == ["github", named.policy_id]

    described = policies.update(owner, "github", FederationPolicy(description="of prod"))
    assert (described.description, described.oidc_policy) == ("of prod", made.oidc_policy)
    changed = FederationPolicy(oidc_policy=OidcFederationPolicy(issuer=forge.url, subject="other"))
    masked = policies.update(owner, "github", changed, update_mask="oidc_policy.subject")
    assert masked.oidc_policy == OidcFederationPolicy(issuer=forge.url, audiences=[AUDIENCE], subject="other")
    whole = policies.update(owner, "github", changed, update_mask="*")
    assert (whole.description, whole.oidc_policy, whole.uid) == (None, changed.oidc_policy, made.uid)

    policies.delete(owner, "github")
    with pytest.raises(NotFound, match="no federation policy github"):
        policies.get(owner, "github")


def test_a_policy_that_could_prove_nothing_is_not_made(trust: Callable[..., FederationPolicy], forge: Issuer) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"issuer": "http://issuer.example.com"}, "issuer is an address by https"),
        ({"issuer": "https://user@issuer.example.com"}, "issuer is an address by https"),
        ({"jwks_uri": "file:///etc/passwd"}, "jwks_uri is an address by https"),
        ({"jwks_json": "{}"}, "jwks_json: the key set has no list"),
        ({"jwks_json": forge.jwks(), "jwks_uri": "https://x.example.com/keys"}, "not both"),
        ({"subject": None}, "subject must be given"),
        ({"issuer": None}, "issuer must be given"),
    ]
    for fields, said in cases:
        with pytest.raises(BadRequest, match=said):
            trust(**fields)


def test_names_are_unique_and_their_number_is_bounded(trust: Callable[..., FederationPolicy]) -> None:
    trust("github/prod-1")
    with pytest.raises(ResourceAlreadyExists, match="already"):
        trust("github/prod-1")
    with pytest.raises(BadRequest, match="lower-case"):
        trust("GitHub")
    for number in range(19):
        trust(f"p{number}")
    with pytest.raises(BadRequest, match="20 federation policies"):
        trust("one-more")


def test_only_admins_see_or_make_policies_and_only_in_the_workspace_s_account(
    host: str, admin_token: str, account: AccountClient, robot: ServicePrincipal, trust: Callable[..., FederationPolicy]
) -> None:
    trust("github")
    owner = int(robot.id or 0)
    admin = WorkspaceClient(config=Config(host=host, token=admin_token, auth_type="pat"))
    token = admin.token_management.create_obo_token(robot.application_id or "", lifetime_seconds=600).token_value
    own = AccountClient(config=Config(host=host, token=token, account_id=ACCOUNT_ID, auth_type="pat"))
    for call in (
        lambda: list(own.service_principal_federation_policy.list(owner)),
        lambda: own.service_principal_federation_policy.delete(owner, "github"),
    ):
        with pytest.raises(PermissionDenied):
            call()
    elsewhere = AccountClient(config=Config(host=host, token=admin_token, account_id="other", auth_type="pat"))
    with pytest.raises(NotFound, match="account other"):
        list(elsewhere.service_principal_federation_policy.list(owner))
    with pytest.raises(NotFound, match="service principal 1 "):
        list(account.service_principal_federation_policy.list(1))


def test_policies_go_with_their_principal(
    host: str, admin_token: str, robot: ServicePrincipal, trust: Callable[..., FederationPolicy], store: Store
) -> None:
    trust("github")
    admin = WorkspaceClient(config=Config(host=host, token=admin_token, auth_type="pat"))
    admin.service_principals.delete(robot.id or "")
    left = sqlite3.connect(store.path).execute("SELECT count(*) FROM federation_policies").fetchone()
    assert left == (0,)
