"""What is refused before anything is made: who may not, what is missing; and whom each environment trusts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.core import Config

from ci.bootstrap.federation import Policies, account_of, console_of
from ci.bootstrap.forges import LoggedIn, forge_variables, lines
from ci.bootstrap.report import Way
from ci.bootstrap.up import Up
from ci.errors import Trouble
from ci.terraform.credentials import Credentials
from infra.settings import Settings, load_all
from infra.settings.federation import Federation, GitHubTrust, JenkinsTrust, Trust
from infra.workspace import launch
from infra.workspace.launch import Running

ACCOUNT = "7f1078d6-b20d-4a20-9d88-05a2f0d645a3"


@pytest.fixture
def environments() -> dict[str, Settings]:
    return {name: each.model_copy(update={"copy_of": None}) for name, each in load_all(variables={}).items()}


@pytest.fixture
def way(workspace: Running, say: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Way:
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", str(tmp_path / "none"))
    return Way(Credentials(workspace.data_dir, environment={}), say, say, root=tmp_path)


@pytest.fixture
def client(workspace: Running) -> WorkspaceClient:
    return WorkspaceClient(config=Config(host=workspace.url, token=workspace.token, auth_type="pat"))


def test_looking_changes_nothing_and_says_where(
    environments: dict[str, Settings], way: Way, workspace: Running
) -> None:
    question = Up([environments["prod"], environments["dev"]], way).look()
    assert question == f"Set up dev in {workspace.url}, prod in {workspace.url}?"
    assert (way.steps, list(way.root.iterdir())) == ([], [])


def test_a_workspace_tells_its_account_and_its_id(
    environments: dict[str, Settings], client: WorkspaceClient, workspace: Running
) -> None:
    told = httpx.get(f"{workspace.url}/.well-known/databricks-config").json()
    assert account_of(environments["dev"], client) == told["account_id"]
    assert told["workspace_id"] == str(workspace.call("GET", "/api/2.0/local/status")["workspace_id"])


def test_somebody_who_is_no_admin_is_told_how_to_become_one(
    environments: dict[str, Settings], way: Way, workspace: Running, client: WorkspaceClient
) -> None:
    robot = client.service_principals.create(display_name="robot")
    try:
        token = launch.service_principal_token(workspace, "robot", 600)
        own = {"DATABRICKS_HOST": workspace.url, "DATABRICKS_TOKEN": token}
        as_robot = replace(way, credentials=Credentials(workspace.data_dir, environment=own))
        with pytest.raises(Trouble, match=rf"{robot.application_id} is no admin of(.|\n)*databricks auth login"):
            Up([environments["dev"]], as_robot).look()
        wrong = {**own, "DATABRICKS_TOKEN": "dapi0"}
        as_nobody = replace(way, credentials=Credentials(workspace.data_dir, environment=wrong))
        with pytest.raises(Trouble, match=r"nobody is logged in(.|\n)*az login"):
            Up([environments["dev"]], as_nobody).look()
    finally:
        client.service_principals.delete(robot.id or "")


def test_an_environment_that_needs_another_one_s_groups_says_so(environments: dict[str, Settings], way: Way) -> None:
    with pytest.raises(Trouble, match=r"staging uses the group branchline-engineers.*bootstrap up dev staging"):
        Up([environments["staging"]], way).look()


def trusting(settings: Settings, *trusts: Trust) -> Settings:
    """The same environment in a project that trusts these forges."""
    project = settings.project.model_copy(update={"federation": Federation(trusts=trusts)})
    return settings.model_copy(update={"project": project})


def subjects(settings: Settings, client: WorkspaceClient, way: Way) -> dict[str, tuple[str | None, str | None]]:
    """By policy: the subject, and the claim that holds it."""
    wanted = Policies(settings, client, way).wanted()
    policies = {name: policy.oidc_policy for name, policy in wanted.items() if policy.oidc_policy}
    assert {tuple(oidc.audiences or ()) for oidc in policies.values()} == {(account_of(settings, client),)}
    return {name: (oidc.subject, oidc.subject_claim) for name, oidc in policies.items()}


def test_each_environment_trusts_its_own_jobs_alone(
    environments: dict[str, Settings], way: Way, client: WorkspaceClient
) -> None:
    for name, settings in environments.items():
        subject = f"repo:branchline-example/branchline:environment:{name}"
        assert subjects(settings, client, way) == {"branchline-github": (subject, None)}


def test_only_the_environment_of_the_copies_trusts_pull_requests(
    environments: dict[str, Settings], way: Way, client: WorkspaceClient
) -> None:
    github = GitHubTrust(type="github", repository="example/line", pull_requests=True)
    jenkins = JenkinsTrust(
        type="jenkins",
        issuer="https://ci.example.com/oidc",
        job="https://ci.example.com/job/line/job/{branch}/",
        pull_request_job="main",
        pull_request_claim="change_target",
    )
    dev = subjects(trusting(environments["dev"], github, jenkins), client, way)
    assert dev["branchline-github-pull-request"] == ("repo:example/line:pull_request", None)
    assert dev["branchline-jenkins-pull-request"] == ("main", "change_target")
    for name, branch in (("staging", "main"), ("prod", "release")):
        assert subjects(trusting(environments[name], github, jenkins), client, way) == {
            "branchline-github": (f"repo:example/line:environment:{name}", None),
            "branchline-jenkins": (f"https://ci.example.com/job/line/job/{branch}/", None),
        }


def test_our_policies_are_kept_as_the_settings_say_and_those_of_others_are_left(
    environments: dict[str, Settings], way: Way, client: WorkspaceClient, workspace: Running
) -> None:
    dev = environments["dev"]
    robot = client.service_principals.create(display_name=dev.values.service_principal)
    policies = (
        f"{workspace.url}/api/2.0/accounts/{account_of(dev, client)}/servicePrincipals/{robot.id}/federationPolicies"
    )
    headers = {"Authorization": f"Bearer {workspace.token}"}
    body = {"oidc_policy": {"issuer": "https://ci.example.com", "subject": "x"}}
    try:
        for policy in ("theirs", "branchline-jenkins"):  # the second is ours, of a forge that is trusted no more
            assert httpx.post(policies, params={"policy_id": policy}, json=body, headers=headers).is_success
        Policies(dev, client, way).ensure()
        did = {step.what.rpartition(" ")[2]: step.did for step in way.steps}
        assert did == {"branchline-github": "made", "branchline-jenkins": "removed"}
        changed = {"oidc_policy": {"subject": "repo:stranger/line:environment:dev"}}
        assert httpx.patch(f"{policies}/branchline-github", json=changed, headers=headers).is_success
        again = replace(way, steps=[])
        Policies(dev, client, again).ensure()
        assert [step.did for step in again.steps] == ["changed"]
        Policies(dev, client, again).ensure()
        assert [step.did for step in again.steps[1:]] == ["unchanged"]
        Policies(dev, client, way).remove()
        left = httpx.get(policies, headers=headers).json()["policies"]
        assert [policy["policy_id"] for policy in left] == ["theirs"]
    finally:
        client.service_principals.delete(robot.id or "")


def test_without_a_trusted_forge_no_account_is_needed(
    environments: dict[str, Settings], way: Way, client: WorkspaceClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client.config, "account_id", "")
    alone = trusting(environments["dev"])
    Policies(alone, client, way).ensure()
    Policies(alone, client, way).remove()
    assert [step.did for step in way.steps] == ["unchanged"]
    with pytest.raises(Trouble, match=r"federation\.account_id"):
        Policies(environments["dev"], client, way).wanted()


def test_a_forge_is_told_ids_and_addresses_for_each_environment(environments: dict[str, Settings]) -> None:
    host, github = "https://adb-1.2.azuredatabricks.net", environments["dev"].project.federation.trusts[0]
    trust = github.model_copy(update={"pull_requests": True})
    told = forge_variables(
        [LoggedIn(trusting(each, trust), host, f"id-of-{name}", ACCOUNT) for name, each in environments.items()]
    )
    github = told["github"]
    assert github["environments"]["prod"] == {
        "branch": "release",
        "approval": "required",
        "subject": "repo:branchline-example/branchline:environment:prod",
        "variables": {
            "DATABRICKS_HOST": host,
            "DATABRICKS_ACCOUNT_ID": ACCOUNT,
            "DATABRICKS_CLIENT_ID": "id-of-prod",
            "DATABRICKS_AUTH_TYPE": "github-oidc",
            "DATABRICKS_TOKEN_AUDIENCE": ACCOUNT,
        },
    }
    assert github["pull_requests"]["variables"]["DATABRICKS_CLIENT_ID"] == "id-of-dev"
    assert "    DATABRICKS_CLIENT_ID=id-of-staging" in list(lines(told))


@pytest.mark.parametrize(
    ("host", "console"),
    [
        ("https://adb-1.2.azuredatabricks.net", "https://accounts.azuredatabricks.net"),
        ("https://dbc-1.cloud.databricks.com", "https://accounts.cloud.databricks.com"),
        ("https://1.2.gcp.databricks.com", "https://accounts.gcp.databricks.com"),
        ("http://127.0.0.1:8765", "http://127.0.0.1:8765"),
    ],
)
def test_the_account_s_console_is_the_cloud_s(environments: dict[str, Settings], host: str, console: str) -> None:
    assert console_of(environments["dev"], host) == console


def test_a_host_of_no_known_cloud_needs_the_console_in_the_settings(environments: dict[str, Settings]) -> None:
    with pytest.raises(Trouble, match=r"federation\.account_host"):
        console_of(environments["dev"], "https://databricks.example.com")
