"""Folders of the workspace tree."""

from dataclasses import dataclass

from infra.constructs.part import Part
from infra.synth.stack import WorkspaceStack


@dataclass(frozen=True)
class DirectoryConfig:
    """A folder by its absolute path; `delete_contents` lets a destroy remove what is in it."""

    path: str
    delete_contents: bool = False


class Directory(Part):
    """A workspace folder. Output: `path`."""

    def __init__(self, scope: WorkspaceStack, name: str, config: DirectoryConfig) -> None:
        super().__init__(scope, name)
        directory = scope.make(
            self, "databricks_directory", name, path=config.path, delete_recursive=config.delete_contents
        )
        self.path: str = directory.path
