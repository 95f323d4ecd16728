"""As whom a stack is planned and applied."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ci.errors import Trouble
from ci.target import DATA_DIR
from ci.terraform.synthesis import Kind
from infra.settings import Settings, load_settings
from infra.workspace import launch

_NAMING = ("DATABRICKS_HOST", "DATABRICKS_CONFIG_PROFILE", "TF_VAR_databricks_host")
_TWINS = ("host", "token", "client_id", "client_secret")


@dataclass(frozen=True)
class Credentials:
    """The caller's own where the environment names a workspace, else those of a local workspace.

    There, administrators' stacks are the first admin's, and a project's are its service principal's.
    """

    data_dir: Path = DATA_DIR
    environment: Mapping[str, str] | None = None
    """The variables to look at; None: the process's own."""

    @property
    def is_callers(self) -> bool:
        """Whether the environment names the workspace."""
        return any(self._variables.get(name) for name in _NAMING)

    def variables(self, environment: str, kind: Kind) -> dict[str, str]:
        """The variables of a stack's Terraform; raises Trouble or LaunchError where nobody can be asked for them."""
        if self.is_callers:
            return self._callers()
        settings = load_settings(environment, variables=self._variables)
        if settings.values.workspace.host or settings.values.workspace.profile:
            return {}  # the settings name the workspace: the provider finds credentials for it by itself
        running = self._running()
        principal = None if kind == "admin" else self.principal(settings)
        # Terraform gives the provider up with the process that is watched: not ours, which a deployment may outlive.
        return launch.environment(running, principal, watched_pid=running.record.pid)

    def principal(self, settings: Settings) -> str | None:
        """Who deploys a project in a local workspace; a developer's copy is the admin's there."""
        return None if settings.copy_of else settings.values.service_principal

    @property
    def _variables(self) -> Mapping[str, str]:
        return os.environ if self.environment is None else self.environment

    def _callers(self) -> dict[str, str]:
        """As given; the provider that runs inside a local workspace sees the stacks' variables only."""
        given = {name: value for name, value in self._variables.items() if name.startswith(("DATABRICKS_", "TF_"))}
        twins = {f"TF_VAR_databricks_{name}": given.get(f"DATABRICKS_{name.upper()}") for name in _TWINS}
        return {name: value for name, value in twins.items() if value} | given

    def _running(self) -> launch.Running:
        running = launch.find(self.data_dir)
        if running is None:
            raise Trouble(
                "no workspace: set DATABRICKS_HOST and credentials, name a host or profile in the settings,"
                " or start a local one with 'branchline workspace up'"
            )
        return running
