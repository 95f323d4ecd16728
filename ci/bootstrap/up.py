"""From an empty workspace and subscription to a working line, step by step; what is there already is left as it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ci.bootstrap.federation import Policies
from ci.bootstrap.forges import LoggedIn, forge_variables
from ci.bootstrap.identity import require_admins, require_tools
from ci.bootstrap.report import Report, Way
from ci.bootstrap.stacks import AdminStacks, counted, in_order, listed, share_workspace, synthesize_own
from ci.bootstrap.state.choose import stores
from ci.errors import Trouble
from infra.settings import Settings

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient


class Up:
    """Makes the state's storage, the admin stacks and the federation policies of some environments.

    Run again it changes nothing; interrupted, it goes on where it was. Every method raises Trouble with what the user
    must do.
    """

    def __init__(self, environments: Sequence[Settings], way: Way) -> None:
        self._environments = in_order(environments)
        self._way = way
        self._clients: dict[str, WorkspaceClient] = {}

    def look(self) -> str:
        """Looks whether it can be done, and changes nothing; returns the question to ask before `run`."""
        require_tools()
        self._clients = require_admins(self._environments, self._way.credentials)
        self._require_shared_objects()
        hosts = {settings.environment: self._client(settings).config.host for settings in self._environments}
        told = ", ".join(f"{name} in {host}" for name, host in hosts.items())
        return f"Set up {told}?"

    def run(self) -> Report:
        """Makes what is missing."""
        storage_is_there = self._ensure_storage()
        if storage_is_there:
            self._deploy()
        else:
            for settings in self._environments:
                self._way.did(f"{settings.environment}-admin: can be planned once its state's storage is there", "made")
        logged_in = list(self._ensure_policies())
        names = tuple(settings.environment for settings in self._environments)
        return self._way.report(names, forge_variables(logged_in))

    def _require_shared_objects(self) -> None:
        """An environment that uses the groups of another one comes after that."""
        makers = [settings for settings in self._environments if settings.values.workspace.makes_shared_objects]
        for settings in self._environments:
            group = settings.project.groups.engineers
            if any(share_workspace(settings, maker) for maker in makers):
                continue
            if not list(self._client(settings).groups.list(filter=f'displayName eq "{group}"')):
                raise Trouble(
                    f"{settings.environment} uses the group {group}, which its workspace does not have: name the"
                    " environment with makes_shared_objects too, such as:"
                    f" branchline bootstrap up dev {settings.environment}"
                )

    def _ensure_storage(self) -> bool:
        """Makes where states are kept; returns whether it is all there now."""
        way, complete = self._way, True
        for names, store in stores(self._environments, way.root, way.hear_commands, dry_run=way.dry_run).items():
            way.say(f"looking at {store.name}")
            done = store.ensure()
            way.did(f"state of {names}: {store.name}", "made" if done else "unchanged", tuple(done), told=store.remote)
            complete = complete and not (way.dry_run and done and store.remote)
        return complete

    def _deploy(self) -> None:
        way = self._way
        way.say("synthesizing")
        stacks = AdminStacks(synthesize_own(self._environments, way.root), way)
        for settings in self._environments:
            changes = stacks.plan(settings)
            if changes and not way.dry_run:
                stacks.apply(settings)
            else:
                stacks.forget(settings)
            what = f"{settings.environment}-admin: {counted(changes)}"
            way.did(what, "made" if changes else "unchanged", listed(changes))

    def _ensure_policies(self) -> Iterator[LoggedIn]:
        """The service principals that CI logs in as: in a dry run perhaps none."""
        for settings in self._environments:
            client = self._client(settings)
            policies = Policies(settings, client, self._way)
            policies.ensure()
            principal = policies.principal()
            if principal is not None and settings.project.federation.trusts:
                host, client_id = client.config.host or "", principal.application_id or ""
                yield LoggedIn(settings, host, client_id, policies.account_id)

    def _client(self, settings: Settings) -> WorkspaceClient:
        return self._clients[settings.environment]
