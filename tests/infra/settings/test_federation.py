"""Whose tokens stand for which environment."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from infra.settings import SettingsError, load_project
from infra.settings.federation import AzurePipelinesTrust, Federation, GitHubTrust, JenkinsTrust

from .conftest import Edit

ORGANIZATION = "7f1078d6-b20d-4a20-9d88-05a2f0d645a3"
GITHUB = GitHubTrust(type="github", repository="example/line")
AZURE = AzurePipelinesTrust(
    type="azure_pipelines",
    organization="example",
    organization_id=ORGANIZATION,
    project="Line",
    pipeline="line-{environment}",
    pull_request_pipeline="line-pull-requests",
)
JENKINS = JenkinsTrust(
    type="jenkins", issuer="https://ci.example.com/oidc", job="https://ci.example.com/job/line/job/{branch}/"
)
NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)


def test_subjects_are_those_that_the_forges_write() -> None:
    assert GITHUB.subject("prod", "release") == "repo:example/line:environment:prod"
    assert GITHUB.pull_request_subject is None
    with_pull_requests = GITHUB.model_copy(update={"pull_requests": True})
    assert with_pull_requests.pull_request_subject == "repo:example/line:pull_request"
    assert AZURE.issuer == f"https://vstoken.dev.azure.com/{ORGANIZATION}"
    assert AZURE.subject("prod", "release") == "p://example/Line/line-prod"
    assert (AZURE.pull_request_subject, AZURE.audience) == (
        "p://example/Line/line-pull-requests",
        "api://AzureADTokenExchange",
    )
    assert JENKINS.subject("prod", "release") == "https://ci.example.com/job/line/job/release/"
    assert JENKINS.pull_request_subject is None


@pytest.mark.parametrize("trust", [GITHUB, AZURE, JENKINS])
@given(one=st.tuples(NAMES, NAMES), other=st.tuples(NAMES, NAMES))
def test_two_environments_never_share_a_subject(
    trust: GitHubTrust | AzurePipelinesTrust | JenkinsTrust, one: tuple[str, str], other: tuple[str, str]
) -> None:
    same = one[0] == other[0] if "{branch}" not in trust.model_dump_json() else one[1] == other[1]
    assert (trust.subject(*one) == trust.subject(*other)) == same
    assert trust.pull_request_subject != trust.subject(*one)


@pytest.mark.parametrize("pipeline", ["line", "line-{env}", "{environment}-{secret}"])
def test_a_name_that_all_environments_would_share_is_refused(pipeline: str) -> None:
    with pytest.raises(ValidationError, match=r"expected \{environment\} or \{branch\}"):
        AzurePipelinesTrust.model_validate({**AZURE.model_dump(), "pipeline": pipeline})
    with pytest.raises(ValidationError, match=r"expected \{environment\} or \{branch\}"):
        JenkinsTrust.model_validate({**JENKINS.model_dump(), "job": pipeline})


def test_one_trust_of_each_type() -> None:
    assert Federation(trusts=(GITHUB, AZURE, JENKINS)).trusts[1] == AZURE
    with pytest.raises(ValidationError, match="at most one of each type"):
        Federation(trusts=(GITHUB, GITHUB))


def test_a_wrong_trust_is_reported_with_its_line(folder: object, edit: Edit) -> None:
    edit(
        "project.yaml", "{type: github, repository: branchline-example/branchline}", "{type: github, repository: line}"
    )
    with pytest.raises(
        SettingsError, match=r"project\.yaml:\d+: federation\.trusts\.0\.repository: .*owner/repository"
    ):
        load_project(folder)  # type: ignore[arg-type] - the fixture is a path


def test_the_project_s_own_settings_trust_its_repository() -> None:
    project = load_project()
    trust = next(trust for trust in project.federation.trusts if trust.type == "github")
    assert f"https://github.com/{trust.repository}.git" == project.git.url
