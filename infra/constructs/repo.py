"""Repositories checked out in the workspace tree."""

from dataclasses import dataclass

from infra.constructs.part import Part
from infra.synth.stack import WorkspaceStack


@dataclass(frozen=True)
class RepoConfig:
    """A checkout for people to read and try things in. Jobs do not use it: they check out for themselves."""

    url: str
    provider: str
    path: str
    branch: str


class Repo(Part):
    """A repository checked out in the workspace. Outputs: `id`, `path`."""

    def __init__(self, scope: WorkspaceStack, name: str, config: RepoConfig) -> None:
        super().__init__(scope, name)
        repo = scope.make(
            self,
            "databricks_repo",
            name,
            url=config.url,
            git_provider=config.provider,
            path=config.path,
            branch=config.branch,
        )
        self.id: str = repo.id
        self.path: str = repo.path
