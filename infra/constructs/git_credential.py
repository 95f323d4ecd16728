"""What lets an identity of the workspace read a private repository."""

from dataclasses import dataclass
from typing import Literal

from infra.constructs.part import Part
from infra.synth.stack import WorkspaceStack

AZURE_REPOS = "azureDevOpsServices"
AZURE_REPOS_ENTRA = "azureDevOpsServicesAad"


@dataclass(frozen=True)
class GitCredentialConfig:
    """The credential of whoever deploys the stack, for one provider.

    By token: the value comes from the sensitive Terraform variable `git_token`; Terraform keeps it in its state, which
    is why none is made unless the settings ask for it. By Entra (Azure Repos only): no token at all.
    """

    provider: str
    method: Literal["token", "entra"]
    username: str | None = None

    def __post_init__(self) -> None:
        if self.method == "entra" and self.provider != AZURE_REPOS:
            raise ValueError(f"Microsoft Entra ID signs in to {AZURE_REPOS} alone, not to {self.provider}")
        if self.method == "token" and self.provider == AZURE_REPOS and not self.username:
            raise ValueError(f"a token for {AZURE_REPOS} needs the user name that it belongs to")


class GitCredential(Part):
    """A git credential. Output: `id`."""

    def __init__(self, scope: WorkspaceStack, name: str, config: GitCredentialConfig) -> None:
        super().__init__(scope, name)
        if config.method == "entra":
            arguments = {"git_provider": AZURE_REPOS_ENTRA}
        else:
            token = scope.variable(
                "git_token", "Token that reads the repository; kept in Terraform's state", ephemeral=False
            )
            arguments = {"git_provider": config.provider, "personal_access_token": token.string_value}
            if config.username:
                arguments["git_username"] = config.username
        self.id: str = scope.make(self, "databricks_git_credential", name, **arguments).id
