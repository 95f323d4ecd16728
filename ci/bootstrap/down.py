"""The way back: federation policies, admin stacks and, if asked for, the state's storage; never a project's objects."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from ci.bootstrap.data import data_in
from ci.bootstrap.federation import Policies
from ci.bootstrap.identity import require_admins, require_tools
from ci.bootstrap.report import Did, Report, Way
from ci.bootstrap.stacks import AdminStacks, counted, in_order, listed, share_workspace, synthesize_own
from ci.bootstrap.state.choose import StateStore, state_name, stores
from ci.copies.find import find_copies
from ci.errors import Trouble
from ci.terraform.synthesis import Kind
from infra.settings import Settings

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

_SHOWN = 10
_KINDS: tuple[Kind, ...] = ("admin", "project")


class Down:
    """Removes what `Up` made for some of the project's environments; `everyone` are all of them.

    Every method raises Trouble with what is in the way, or what the user must do.
    """

    def __init__(self, environments: Sequence[Settings], everyone: Sequence[Settings], way: Way) -> None:
        self._environments = in_order(environments)[::-1]  # what others use goes last
        self._everyone = everyone
        self._way = way
        self._clients: dict[str, WorkspaceClient] = {}

    def look(self) -> str:
        """Looks whether it can be done, and changes nothing; returns the question to ask before `run`, if any.

        A project's objects, copies, protected data and other environments are in the way, and are named.
        """
        require_tools()
        self._clients = require_admins(self._environments, self._way.credentials)
        obstacles = [obstacle for settings in self._environments for obstacle in self._obstacles(settings)]
        if obstacles:
            raise Trouble("\n".join(obstacles))
        removals = {settings.environment: self._stacks.held(settings, "admin") for settings in self._environments}
        told = ", ".join(f"the {len(held)} objects of {name}-admin" for name, held in removals.items() if held)
        return f"Remove the federation policies, and destroy {told}?" if told else ""

    def run(self, *, with_state: bool) -> Report:
        """Removes what is there."""
        for settings in self._environments:
            Policies(settings, self._clients[settings.environment], self._way).remove()
            self._destroy(settings)
        if with_state:
            self._remove_storage()
        return self._way.report(tuple(settings.environment for settings in self._environments))

    @cached_property
    def _stores(self) -> dict[str, StateStore]:
        """Where states are kept, of every environment of the project: they may share."""
        way = self._way
        return dict(stores(self._everyone, way.root, way.hear_commands, dry_run=way.dry_run))

    @cached_property
    def _stacks(self) -> AdminStacks:
        self._way.say("synthesizing")
        gone = {name for names, store in self._stores.items() if not store.exists() for name in names.split(", ")}
        return AdminStacks(synthesize_own(self._everyone, self._way.root), self._way, without_state=gone)

    def _obstacles(self, settings: Settings) -> Iterator[str]:
        """Everything for whose sake an environment stays, each with what to do about it."""
        name, client = settings.environment, self._clients[settings.environment]
        held = self._stacks.held(settings, "project")
        if held:
            yield (
                f"{name} still has a project: {_some(held)}. Destroy it first, as who deploys it:"
                f" node_modules/.bin/cdktf destroy {name}"
            )
        if not self._stacks.held(settings, "admin"):
            return
        copies = [copy.branch for copy in find_copies(client, settings)]
        if copies:
            yield f"{name} still has copies: {_some(copies)}. Remove them first: branchline copies --help"
        sharers = self._sharers(settings)
        if sharers:
            yield f"{' and '.join(sharers)} still use what {name}-admin makes for all: take them down too"
        data = [] if settings.values.storage.destroy_data else data_in(client, settings)
        if data:
            yield (
                f"{name} keeps its data (storage.destroy_data: false): {_some(data)}."
                f" If they are meant to go: DESTROY_DATA={name} branchline bootstrap down {name}"
            )

    def _sharers(self, settings: Settings) -> list[str]:
        """Other environments of the workspace, not taken down now, that need this one's groups and folder."""
        if not settings.values.workspace.makes_shared_objects:
            return []
        others = [each for each in self._everyone if each not in self._environments and share_workspace(settings, each)]
        return [other.environment for other in others if self._stacks.held(other, "admin")]

    def _destroy(self, settings: Settings) -> None:
        way, stacks, name = self._way, self._stacks, f"{settings.environment}-admin"
        if not stacks.held(settings, "admin"):
            way.did(f"{name}: nothing is deployed", "unchanged")
            return
        if _given_up(settings) and not way.dry_run:
            # What holds data has to be marked by a deployment before a destroy may take it.
            stacks.plan(settings)
            stacks.apply(settings)
        changes = stacks.plan_removal(settings)
        if way.dry_run:
            stacks.forget(settings)
        else:
            stacks.apply(settings)
        way.did(f"{name}: {counted(changes)}", "removed", listed(changes))

    def _remove_storage(self) -> None:
        """Only where no environment that keeps its state there, chosen or not, holds anything."""
        by_name = {settings.environment: settings for settings in self._everyone}
        chosen = {settings.environment for settings in self._environments}
        for names, store in self._stores.items():
            users = names.split(", ")
            if chosen.isdisjoint(users):
                continue
            full = [user for user in users if any(self._stacks.held(by_name[user], kind) for kind in _KINDS)]
            if full and not self._way.dry_run:
                raise Trouble(f"{store.name} is left as it is: it holds the state of {', '.join(full)}")
            states = frozenset(
                state_name(by_name[user], f"{user}{ending}") for user in users for ending in ("", "-admin")
            )
            removed = store.remove(states)
            did: Did = "removed" if removed else "unchanged"
            self._way.did(f"state of {names}: {store.name}", did, tuple(removed), told=store.remote)


def _given_up(settings: Settings) -> bool:
    """Whether the environment's data are to go by name."""
    return settings.environment in os.environ.get("DESTROY_DATA", "").split(",")


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
