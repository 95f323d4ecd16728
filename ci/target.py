"""Which workspace a command talks to: the one that the environment names, else the local one that runs."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ci.errors import Trouble
from ci.repository import ROOT
from infra.workspace import launch

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

DATA_DIR = Path(os.environ.get("BRANCHLINE_DATA_DIR") or ROOT / ".branchline" / "workspace")
"""The local workspace of this clone, unless the environment names another folder."""

_NAMING = ("DATABRICKS_HOST", "DATABRICKS_CONFIG_PROFILE")


@dataclass(frozen=True)
class Target:
    """A workspace and the variables that authenticate to it."""

    host: str
    variables: Mapping[str, str]

    @property
    def is_local(self) -> bool:
        """Whether it is a local workspace, which can start Spark engines for this machine."""
        return urlsplit(self.host).hostname in ("127.0.0.1", "localhost", "::1")

    @property
    def token(self) -> str | None:
        """The bearer token, where the variables hold one."""
        return self.variables.get("DATABRICKS_TOKEN")

    def client(self, patience_seconds: int = 60) -> WorkspaceClient:
        """A databricks-sdk client; raises Trouble where credentials are missing, or nothing answers on loopback.

        `patience_seconds` bounds a call and how long it is tried again: the SDK's own five minutes are long for people.
        """
        if self.is_local and not _answers(self.host):
            raise Trouble(f"no workspace answers at {self.host}: start it with 'branchline workspace up'")
        # The SDK takes a second to import: only commands that call a workspace wait for it.
        from databricks.sdk import WorkspaceClient
        from databricks.sdk.config import Config

        try:
            if self.token is None:
                config = Config(retry_timeout_seconds=patience_seconds, http_timeout_seconds=patience_seconds)
            else:
                config = Config(
                    host=self.host,
                    token=self.token,
                    auth_type="pat",
                    retry_timeout_seconds=patience_seconds,
                    http_timeout_seconds=patience_seconds,
                )
            return WorkspaceClient(config=config)
        except ValueError as error:
            raise Trouble(f"no usable credentials for {self.host}: {error}") from error


def find_target(
    data_dir: Path = DATA_DIR, principal: str | None = None, variables: Mapping[str, str] = os.environ
) -> Target:
    """The workspace to talk to; raises Trouble if none is named and none runs.

    `principal` asks for a service principal of the local workspace, by display name.
    """
    if principal is None and any(variables.get(name) for name in _NAMING):
        host = variables.get("DATABRICKS_HOST") or f"profile {variables['DATABRICKS_CONFIG_PROFILE']}"
        return Target(host, {name: value for name, value in variables.items() if name.startswith("DATABRICKS_")})
    running = launch.find(data_dir)
    if running is None:
        raise Trouble(
            "no workspace: set DATABRICKS_HOST and credentials (or DATABRICKS_CONFIG_PROFILE),"
            " or start a local one with 'branchline workspace up'"
        )
    return Target(running.url, launch.environment(running, principal))


def login_link(running: launch.Running) -> str:
    """An address that logs one browser in."""
    return f"{running.url}/login?code={running.call('POST', '/api/2.0/local/login-codes')['code']}"


def _answers(host: str) -> bool:
    """Whether something listens; known at once on loopback, where the SDK would try for minutes."""
    address = urlsplit(host)
    try:
        with socket.create_connection((address.hostname or "", address.port or 80), timeout=5):
            return True
    except OSError:
        return False
