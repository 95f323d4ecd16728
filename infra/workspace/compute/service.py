"""Compute: policies, clusters, engines and task processes of one workspace."""

from __future__ import annotations

import json
import os
import threading
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from infra.workspace.compute.clusters import ClusterBook
from infra.workspace.compute.engine import Engine, start_engine
from infra.workspace.compute.launcher import Launcher, TaskProcess, interpreter
from infra.workspace.compute.policies import PolicyBook
from infra.workspace.compute.ports import AccessControl, Identity, SailEnvironment
from infra.workspace.compute.processes import MARKER, ProcessRegistry
from infra.workspace.config import WorkspaceConfig
from infra.workspace.control.clock import Clock
from infra.workspace.identity.principal import Principal
from infra.workspace.store.database import Store

_ENGINE_TOKEN = timedelta(days=30)


class ComputeService:
    """The one door to compute for other rooms; `policies` and `clusters` serve the REST API."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        permissions: AccessControl,
        config: WorkspaceConfig,
        identity: Identity,
        sail_environment: SailEnvironment,
    ) -> None:
        self._config = config
        self._identity = identity
        self._sail_environment = sail_environment
        self._registry = ProcessRegistry(store)
        self._registry.end_orphans()
        self._launcher = Launcher(config.folder("zygote"))
        self._sql_engines: dict[str, tuple[Engine, str]] = {}
        self._sql_lock = threading.Lock()
        self.policies = PolicyBook(store, clock, permissions, identity)
        self.clusters = ClusterBook(store, clock, permissions, self.policies, self._start_cluster)

    def start_engine(
        self,
        cwd: Path,
        principal: Principal,
        token: str,
        env: Mapping[str, str] | None = None,
        paths: Sequence[Path] = (),
        log: Path | None = None,
    ) -> Engine:
        """Starts an engine in folder `cwd` that lists the catalogs which `principal` may use.

        `token` lets the engine read Unity Catalog as that principal; `env` may hold Sail's own settings, such as its
        memory limit. Raises Unavailable if the engine does not come up. The caller stops it.
        """
        file = log or self._config.folder("engines") / f"{uuid.uuid4().hex[:12]}.log"
        environment = {**self._sail_environment(principal, token), **(env or {})}
        return start_engine(self._registry, cwd, file, environment, paths)

    def spark_for(self, principal: Principal) -> Engine:
        """The engine for a principal's SQL statements: started at the first use, kept while it lives.

        It is started anew once the principal's catalogs have changed: an engine reads their list when it starts.
        """
        with self._sql_lock:
            known = self._sql_engines.get(principal.name)
            if known is not None and known[0].alive and self._same_catalogs(known[0], principal, known[1]):
                return known[0]
            if known is not None:
                self._end_sql_engine(principal.name)
            token = self._identity.issue_token(principal, _ENGINE_TOKEN, "SQL engine")
            engine = self.start_engine(self._config.folder("sql"), principal, token)
            engine.catalogs = self._sail_environment(principal, token)
            self._sql_engines[principal.name] = (engine, token)
            return engine

    def warm(self, modules: Iterable[str]) -> None:
        """Has the named third-party modules imported ahead of the tasks that will import them."""
        self._launcher.warm(modules)

    def start_task(self, task: Mapping[str, Any], file: Path, log: int, fresh: bool = False) -> TaskProcess:
        """Starts the process of a task; its output goes to the descriptor `log`; `end_task` must follow its end.

        `task` says what the driver is to run (see `runtime.branchline_task.driver.run`) and is left in `file`.
        """
        marker = uuid.uuid4().hex
        environment = {**task["environment"], MARKER: marker}
        _write_private(file, {**task, "interpreter": interpreter(), "environment": environment})
        process = self._launcher.start(file, log, marker, fresh)
        self._registry.add(process.pid, marker)
        return process

    def end_task(self, process: TaskProcess) -> None:
        """Ends what is left of a task: its process, its children."""
        process.end()
        self._registry.remove(process.pid)

    def stop(self) -> None:
        """Ends all engines and the processes that tasks are forked from."""
        self.clusters.stop()
        with self._sql_lock:
            for name in list(self._sql_engines):
                self._end_sql_engine(name)
        self._launcher.close()
        self._registry.end_orphans()

    def _same_catalogs(self, engine: Engine, principal: Principal, token: str) -> bool:
        return engine.catalogs == self._sail_environment(principal, token)

    def _end_sql_engine(self, name: str) -> None:
        engine, token = self._sql_engines.pop(name)
        engine.stop()
        self._identity.revoke(token)

    def _start_cluster(self, cluster_id: str, cluster: Mapping[str, Any], principal: Principal) -> Engine:
        folder = self._config.folder(f"clusters/{cluster_id}")
        owner = self._identity.find(str(cluster.get("single_user_name") or principal.name))
        token = self._identity.issue_token(owner, _ENGINE_TOKEN, f"cluster {cluster_id}")
        environment = sail_settings(cluster)
        return self.start_engine(folder, owner, token, environment, log=folder / "engine.log")


def sail_settings(cluster: Mapping[str, Any]) -> dict[str, str]:
    """The engine's own settings among a cluster's `spark_env_vars`: those that begin with `SAIL_`."""
    variables = cluster.get("spark_env_vars") or {}
    return {name: str(value) for name, value in variables.items() if name.startswith("SAIL_")}


def _write_private(path: Path, body: Mapping[str, Any]) -> None:
    """Holds the run's token: for the owner's eyes only."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(body, file)
