"""The journal of a rollback, in the workspace that it changes: whoever runs the command next, anywhere, goes on."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Literal

from pydantic import ConfigDict, Field, ValidationError

from ci.errors import Trouble
from ci.plan.model import Frozen
from infra.settings import Settings

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

State = Literal["under way", "putting back", "done", "put back"]


class Journal(Frozen):
    """What was before, what shall be, and which way it goes. Unknown keys are ignored: newer code may write more."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    tag: str
    environment: str
    state: State
    before: str = Field(description="commit of the release branch")
    restored: str = Field(description="commit with the tag's tree on top of it")
    champion_before: int | None
    champion: int = Field(description="version that was champion under the tag")
    former: str | None = Field(description="id of the deployment that was there")
    started_at: str
    problem: str | None = Field(None, description="why it is being put back")

    @property
    def open(self) -> bool:
        """Whether somebody has to go on with it."""
        return self.state in ("under way", "putting back")


class JournalFile:
    """The newest rollback of an environment; written before the first change and after the last."""

    def __init__(self, client: WorkspaceClient, settings: Settings) -> None:
        self._client = client
        self.folder = f"{settings.folder}/rollbacks"
        self.path = f"{self.folder}/{settings.project.project}.json"

    def read(self) -> Journal | None:
        """None before the first rollback; raises Trouble if the file is no journal."""
        from databricks.sdk.errors import NotFound

        try:
            with self._client.workspace.download(self.path) as file:
                return Journal.model_validate_json(file.read())
        except NotFound:
            return None
        except ValidationError as error:
            raise Trouble(f"{self.path} is no journal of a rollback: {error}; move it away") from error

    def write(self, journal: Journal) -> Journal:
        """Replaces the file; returns the journal."""
        from databricks.sdk.service.workspace import ImportFormat

        self._client.workspace.mkdirs(self.folder)
        content = io.BytesIO(journal.model_dump_json(indent=1).encode())
        self._client.workspace.upload(self.path, content, format=ImportFormat.RAW, overwrite=True)
        return journal
