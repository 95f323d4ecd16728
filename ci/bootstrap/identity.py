"""Who bootstraps: tools on this machine, and an administrator in every workspace."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ci.apply.clients import client_of
from ci.doctor import tools, workspace
from ci.errors import Trouble
from ci.terraform.credentials import Credentials
from infra.settings import Settings

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

_ADMINS = "admins"


def require_tools() -> None:
    """Raises Trouble that names every tool that is missing or too old."""
    checks = [tools.git(), tools.terraform(), tools.python(), tools.node(), workspace.settings()]
    missing = [check for check in checks if check.blocks]
    if missing:
        raise Trouble("\n".join(f"{check.what}: {check.found}: {check.remedy}" for check in missing))


def require_admins(environments: Sequence[Settings], credentials: Credentials) -> dict[str, WorkspaceClient]:
    """A client for each environment's workspace, as somebody who is an administrator there.

    Raises Trouble where nobody is logged in, or somebody who is none, and says how to log in.
    """
    return {settings.environment: _require_admin(settings, credentials) for settings in environments}


def _require_admin(settings: Settings, credentials: Credentials) -> WorkspaceClient:
    from databricks.sdk.errors.base import DatabricksError

    try:
        client = client_of(settings, "admin", credentials)
        me = client.current_user.me()
    except (DatabricksError, ValueError, OSError) as error:
        raise Trouble(f"{settings.environment}: nobody is logged in ({error})\n{_how(settings)}") from error
    if _ADMINS not in [group.display for group in me.groups or []]:
        raise Trouble(
            f"{settings.environment}: {me.user_name} is no admin of {client.config.host}: have an account admin make it"
            f" one (account console, Workspaces, Permissions), or log in as one\n{_how(settings)}"
        )
    return client


def _how(settings: Settings) -> str:
    host = settings.values.workspace.host or "https://<workspace>"
    return (
        f"log in:  databricks auth login --host {host} --profile branchline-admin\n"
        "         export DATABRICKS_CONFIG_PROFILE=branchline-admin\n"
        f"or, on Azure:  az login, with DATABRICKS_HOST={host}\n"
        "or start a local workspace:  branchline workspace up --repo ."
    )
