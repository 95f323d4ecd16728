"""Whose word a workspace takes for a service principal: the forges whose jobs log in without a stored secret."""

import re
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from infra.settings.base import Strict, Text

_PLACES = re.compile(r"\{([^{}]*)\}")
_UUID = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
_HTTPS = r"^https://[^/?#\s]+(/[^?#\s]*)?$"
# What Azure DevOps writes into each of its tokens.
_AZURE_AUDIENCE = "api://AzureADTokenExchange"


class GitHubTrust(Strict):
    """GitHub Actions: a job that names the environment is trusted for it; GitHub's rules say which branches may."""

    type: Literal["github"]
    repository: str = Field(pattern=r"^[\w.-]+/[\w.-]+$", description="owner/repository")
    audience: Text | None = Field(
        None, description="what tokens must be made out to; null: the Databricks account's id"
    )
    pull_requests: bool = Field(
        False, description="true: pull requests' jobs that name no environment may make copies, as dev's may anyway"
    )
    issuer: str = Field(
        "https://token.actions.githubusercontent.com",
        pattern=_HTTPS,
        description="issuer of the tokens; another one only with GitHub Enterprise",
    )

    def subject(self, environment: str, branch: str) -> str:
        """Who a token of the environment's jobs is for."""
        return f"repo:{self.repository}:environment:{environment}"

    @property
    def pull_request_subject(self) -> str | None:
        """Who a token of a pull request's job is for that names no environment, where such are trusted."""
        return f"repo:{self.repository}:pull_request" if self.pull_requests else None


class AzurePipelinesTrust(Strict):
    """Azure Pipelines: a token names its pipeline and no environment, so each environment has a pipeline of its own."""

    type: Literal["azure_pipelines"]
    organization: Text = Field(description="name of the Azure DevOps organisation")
    organization_id: str = Field(pattern=_UUID, description="its id")
    project: Text = Field(description="name of the Azure DevOps project")
    pipeline: Text = Field(description="name of an environment's pipeline, with {environment} or {branch} in it")
    pull_request_pipeline: Text | None = Field(None, description="name of the pipeline of pull requests")

    @property
    def issuer(self) -> str:
        """The organisation's own issuer."""
        return f"https://vstoken.dev.azure.com/{self.organization_id}"

    @property
    def audience(self) -> str | None:
        """The same for all."""
        return _AZURE_AUDIENCE

    def subject(self, environment: str, branch: str) -> str:
        """The environment's pipeline."""
        return self._pipeline(_filled(self.pipeline, environment, branch))

    @property
    def pull_request_subject(self) -> str | None:
        """The pipeline of pull requests, where there is one."""
        return self.pull_request_pipeline and self._pipeline(self.pull_request_pipeline)

    def _pipeline(self, name: str) -> str:
        return f"p://{self.organization}/{self.project}/{name}"

    @model_validator(mode="after")
    def one_pipeline_an_environment(self) -> Self:
        """Environments that shared a subject would share their rights."""
        _require_places("pipeline", self.pipeline)
        return self


class JenkinsTrust(Strict):
    """Jenkins with its OpenID Connect Provider plugin, whose tokens name the job by its address."""

    type: Literal["jenkins"]
    issuer: str = Field(pattern=_HTTPS, description="as the plugin shows it, such as https://ci.example.com/oidc")
    job: Text = Field(
        description="a token's subject, with {environment} or {branch} in it, such as"
        " https://ci.example.com/job/branchline/job/{branch}/"
    )
    pull_request_job: Text | None = Field(None, description="subject of the tokens of pull requests' builds")
    pull_request_claim: Text | None = Field(
        None,
        description="claim that holds that subject; null: sub. Jenkins numbers the jobs of pull requests, so theirs"
        " needs a claim template of its own",
    )
    audience: Text | None = Field(
        None, description="what tokens must be made out to; null: the Databricks account's id"
    )

    def subject(self, environment: str, branch: str) -> str:
        """The environment's job."""
        return _filled(self.job, environment, branch)

    @property
    def pull_request_subject(self) -> str | None:
        """The job of pull requests, where there is one."""
        return self.pull_request_job

    @model_validator(mode="after")
    def one_job_an_environment(self) -> Self:
        """Environments that shared a subject would share their rights."""
        _require_places("job", self.job)
        return self


Trust = Annotated[GitHubTrust | AzurePipelinesTrust | JenkinsTrust, Field(discriminator="type")]


class Federation(Strict):
    """Logging in from CI without a stored secret; `branchline bootstrap up` writes it into the Databricks account."""

    account_id: str | None = Field(
        None, pattern=_UUID, description="the Databricks account; null: as the workspace says, or DATABRICKS_ACCOUNT_ID"
    )
    account_host: str | None = Field(
        None, pattern=r"^https://[^/\s]+$", description="address of the account console; null: the one of the cloud"
    )
    account_profile: Text | None = Field(
        None, description="profile of ~/.databrickscfg for the account; null: the same login as for the workspace"
    )
    trusts: tuple[Trust, ...] = Field((), description="the forges whose jobs may log in; at most one of each type")

    @model_validator(mode="after")
    def one_of_each_type(self) -> Self:
        """A policy is known by its forge's name."""
        types = [trust.type for trust in self.trusts]
        if len(set(types)) < len(types):
            raise ValueError("trusts: expected at most one of each type")
        return self


def _filled(template: str, environment: str, branch: str) -> str:
    return template.replace("{environment}", environment).replace("{branch}", branch)


def _require_places(key: str, template: str) -> None:
    found = set(_PLACES.findall(template))
    if not found or found - {"environment", "branch"}:
        raise ValueError(
            f"{key}: expected {{environment}} or {{branch}} in it, and no other braces, found '{template}'"
        )
