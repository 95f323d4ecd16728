"""What holds in every environment (project.yaml)."""

from enum import StrEnum
from typing import Literal, Self

from pydantic import Field, model_validator

from infra.settings.base import Email, Identifier, PinnedPackage, Quartz, Strict, Text
from infra.settings.federation import Federation


class GitProvider(StrEnum):
    """Who hosts the repository, in the words that Databricks jobs use."""

    GITHUB = "gitHub"
    GITHUB_ENTERPRISE = "gitHubEnterprise"
    BITBUCKET_CLOUD = "bitbucketCloud"
    BITBUCKET_SERVER = "bitbucketServer"
    AZURE_REPOS = "azureDevOpsServices"
    GITLAB = "gitLab"
    GITLAB_ENTERPRISE = "gitLabEnterpriseEdition"
    AWS_CODE_COMMIT = "awsCodeCommit"


class GitCredential(Strict):
    """How the workspace reads a private repository. The token is never here: it is the Terraform variable git_token."""

    method: Literal["token", "entra"] = Field(
        description="token: a personal access token; entra: Azure Repos with Microsoft Entra ID, without a token"
    )
    username: Text | None = Field(None, description="user name that goes with the token (Azure Repos: the account's)")
    owner: Literal["admin", "service_principal"] = Field(
        "admin",
        description="whose credential it is, so in which stack: a job reads the repository as its service principal",
    )


class Git(Strict):
    """The repository that jobs check out."""

    url: str = Field(pattern=r"^https://\S+$", description="address that the workspace clones, https")
    provider: GitProvider = Field(description="host of the repository, as Databricks names it")
    credential: GitCredential | None = Field(None, description="null: the repository is public, or has one already")

    @model_validator(mode="after")
    def entra_is_for_azure_repos(self) -> Self:
        """Microsoft Entra ID signs in to Azure Repos alone."""
        if self.credential and self.credential.method == "entra" and self.provider is not GitProvider.AZURE_REPOS:
            raise ValueError(f"credential.method 'entra' needs provider azureDevOpsServices, found {self.provider}")
        return self


class Groups(Strict):
    """The people, as groups of the workspace."""

    engineers: Text = Field(description="group of the engineers who run the platform")
    scientists: Text = Field(description="group of the data scientists")


class Members(Strict):
    """Who is in the groups, where no identity provider says so already."""

    engineers: tuple[Email, ...] = Field((), description="user names of the engineers")
    scientists: tuple[Email, ...] = Field((), description="user names of the data scientists")


class JobSchedules(Strict):
    """When jobs run, as Quartz expressions in UTC; whether they do is the environment's schedules."""

    landing: Quartz | None = Field(None, description="landing of new files; null: on request only")
    training: Quartz | None = Field(None, description="training; null: on request, as a release does")
    batch_inference: Quartz | None = Field(None, description="scoring of the day")
    monitoring: Quartz | None = Field(None, description="metrics and alert rules, after the day was scored")
    alerts: Quartz = Field("0 0 13 * * ?", description="when alerts look at the rules' states, after monitoring")


class Project(Strict):
    """project.yaml: names and facts that do not depend on the environment."""

    project: Identifier = Field(description="short name of the project; also its schema in every catalog")
    model: Identifier = Field(description="name of the registered model in the schema")
    volume: Identifier = Field(description="name of the volume in which files land")
    workspace_folder: str = Field(
        pattern=r"^(/[\w.-]+)+$", description="workspace folder, one subfolder an environment"
    )
    libraries: tuple[PinnedPackage, ...] = Field(
        (), description="Python packages that the steps need beyond the runtime's, each with its exact version"
    )
    environments: tuple[Identifier, ...] = Field(min_length=1, description="environments, one settings file each")
    git: Git = Field(description="the repository that jobs check out")
    federation: Federation = Field(Federation(), description="logging in from CI without a stored secret")
    groups: Groups = Field(description="the people, as groups")
    members: Members = Field(Members(), description="members of the groups, where nothing else adds them")
    schedules: JobSchedules = Field(description="when jobs run (Quartz, UTC)")
    tags: dict[str, Text] = Field(description="tags of everything that takes tags")
