"""Deployment records in the workspace that was deployed to: one JSON file a deployment, below the environment's folder.

Who may change them is what the admin stack says of that folder: the environment's service principal writes, groups with
`view` or `run` read. A group with `develop` or `manage` may edit the folder, and so could forge records.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import ValidationError

from ci.deployments.record import Deployment
from ci.errors import Trouble
from infra.settings import Settings

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient


_NAMED = 5


class Deployments:
    """The deployments of one environment, or of one branch's copy of it."""

    def __init__(self, client: WorkspaceClient, settings: Settings) -> None:
        self._client = client
        self.folder = f"{settings.folder}/deployments/{settings.prefix}{settings.project.project}"
        self._folder_exists = False

    def all(self) -> list[Deployment]:
        """Oldest first."""
        return [self.get(name) for name in self._ids()]

    def latest(self) -> Deployment | None:
        """The present one: applied, failed or under way."""
        return next(self._newest_first(), None)

    def latest_applied(self) -> Deployment | None:
        """The newest whose stacks were all applied, whatever became of its hooks."""
        return next((found for found in self._newest_first() if found.state == "applied"), None)

    def get(self, id: str) -> Deployment:
        """Raises Trouble if there is none, or if the file is not a record."""
        from databricks.sdk.errors import NotFound

        path = self.path(id)
        try:
            with self._client.workspace.download(path) as file:
                return Deployment.model_validate_json(file.read())
        except NotFound as error:
            raise Trouble(f"no deployment {id!r}: {path} is not there") from error
        except ValidationError as error:
            wrong = ", ".join(".".join(map(str, each["loc"])) for each in error.errors()[:_NAMED]) or "no JSON"
            raise Trouble(f"{path} is not a deployment record ({wrong}): move it out of the folder") from error

    def write(self, deployment: Deployment) -> None:
        """Writes the record, over the same deployment's earlier one."""
        from databricks.sdk.service.workspace import ImportFormat

        if not self._folder_exists:
            self._client.workspace.mkdirs(self.folder)
            self._folder_exists = True
        content = io.BytesIO(deployment.model_dump_json(indent=1).encode())
        # RAW: a file as it is. AUTO would decide by the name and take some for notebooks.
        self._client.workspace.upload(self.path(deployment.id), content, format=ImportFormat.RAW, overwrite=True)

    def path(self, id: str) -> str:
        """Where a record lies in the workspace tree."""
        return f"{self.folder}/{id}.json"

    def _newest_first(self) -> Iterator[Deployment]:
        return (self.get(name) for name in reversed(self._ids()))

    def _ids(self) -> list[str]:
        from databricks.sdk.errors import NotFound

        try:
            listed = [found.path or "" for found in self._client.workspace.list(self.folder)]
        except NotFound:
            return []
        names = [path.rpartition("/")[2] for path in listed]
        return sorted(name.removesuffix(".json") for name in names if name.endswith(".json"))
