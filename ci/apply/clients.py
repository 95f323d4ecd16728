"""The workspace that an environment is deployed to, and the principal who writes its records and runs its hooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci.deployments.record import Deployment
from ci.deployments.store import Deployments
from ci.target import Target
from ci.terraform.credentials import Credentials
from ci.terraform.synthesis import Kind
from infra.settings import Settings
from infra.workspace.launch import LaunchError

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

_PATIENCE_SECONDS = 60


def client_of(settings: Settings, kind: Kind, credentials: Credentials) -> WorkspaceClient:
    """A client as who deploys the environment's stacks of that kind.

    Raises Trouble where no workspace answers, LaunchError where a local one does not have that principal yet.
    """
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.config import Config

    variables = credentials.variables(settings.environment, kind)
    workspace = settings.values.workspace
    if not variables and (workspace.host or workspace.profile):
        config = Config(
            host=workspace.host,
            profile=workspace.profile,
            retry_timeout_seconds=_PATIENCE_SECONDS,
            http_timeout_seconds=_PATIENCE_SECONDS,
        )
        return WorkspaceClient(config=config)
    host = variables.get("DATABRICKS_HOST") or variables.get("TF_VAR_databricks_host", "")
    return Target(host, variables).client(_PATIENCE_SECONDS)


class Records:
    """The records, read and written as the project's principal.

    Before a first deployment has made that principal and its folder, an administrator's are the only rights there are.
    """

    def __init__(self, settings: Settings, credentials: Credentials) -> None:
        self._settings = settings
        self._credentials = credentials
        self._chosen: tuple[Kind, WorkspaceClient] | None = None

    @property
    def client(self) -> WorkspaceClient:
        """The client as whom records are written."""
        return self._choose()[1]

    @property
    def by(self) -> str:
        """Its user name, or application id."""
        return self.client.current_user.me().user_name or ""

    def latest(self) -> Deployment | None:
        """The present deployment."""
        return self._store().latest()

    def latest_applied(self) -> Deployment | None:
        """The last one whose stacks were all applied."""
        return self._store().latest_applied()

    def write(self, deployment: Deployment) -> None:
        """Writes a record."""
        self._store().write(deployment)

    def choose_again(self) -> None:
        """After the admin stack: the project's principal may have come to be."""
        self._chosen = None

    def _store(self) -> Deployments:
        return Deployments(self.client, self._settings)

    def _choose(self) -> tuple[Kind, WorkspaceClient]:
        if self._chosen is None:
            self._chosen = self._as("project") or self._as("admin") or self._anyway("project")
        return self._chosen

    def _anyway(self, kind: Kind) -> tuple[Kind, WorkspaceClient]:
        """A client whose first call will say what it may not."""
        return kind, client_of(self._settings, kind, self._credentials)

    def _as(self, kind: Kind) -> tuple[Kind, WorkspaceClient] | None:
        """The kind's client if it may work in the environment's folder; None where not."""
        from databricks.sdk.errors import NotFound, PermissionDenied

        try:
            client = client_of(self._settings, kind, self._credentials)
            client.workspace.get_status(self._settings.folder)
        except (LaunchError, PermissionDenied):
            return None
        except NotFound:
            return (kind, client) if kind == "admin" else None
        return kind, client


def champion_of(client: WorkspaceClient, settings: Settings) -> str | None:
    """The number of the model version that is champion; None where there is none that this principal can see."""
    from databricks.sdk.errors import NotFound, PermissionDenied

    try:
        return str(client.model_versions.get_by_alias(settings.model_full_name, "champion").version)
    except (NotFound, PermissionDenied):
        return None
