"""Engines for steps that a developer runs from the work tree, outside of any job."""

from __future__ import annotations

import threading
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

from infra.workspace.compute.engine import Engine
from infra.workspace.compute.ports import Identity
from infra.workspace.compute.service import ComputeService
from infra.workspace.gateway.errors import BadRequest, NotFound
from infra.workspace.identity.principal import Principal

_LIFETIME = timedelta(hours=12)


class LocalEngines:
    """One engine a working directory that asks, as its principal; ended by its owner or with the workspace."""

    def __init__(self, compute: ComputeService, identity: Identity) -> None:
        self._compute = compute
        self._identity = identity
        self._engines: dict[str, tuple[str, Engine, str]] = {}
        self._guard = threading.Lock()

    def start_engine(self, principal: Principal, working_directory: str) -> dict[str, Any]:
        """Starts an engine in a folder, whose functions it can import; answers its Spark Connect address.

        Any principal may: on Databricks a step under development computes on a cluster that its author may attach to,
        and here, too, the engine sees no more than its principal does.
        """
        folder = Path(working_directory)
        if not folder.is_absolute() or not folder.is_dir():
            raise BadRequest(f"working_directory must be the absolute path of a folder, not {working_directory!r}")
        token = self._identity.issue_token(principal, _LIFETIME, "engine of a work tree")
        engine = self._compute.start_engine(folder, principal, token, paths=[folder])
        engine_id = uuid.uuid4().hex
        with self._guard:
            self._engines[engine_id] = (principal.name, engine, token)
        return {"engine_id": engine_id, "spark_remote": engine.remote}

    def stop_engine(self, principal: Principal, engine_id: str) -> dict[str, Any]:
        with self._guard:
            owner, engine, token = self._engines.get(engine_id, ("", None, ""))
            if engine is None or not (principal.admin or principal.name == owner):
                raise NotFound(f"there is no engine {engine_id}")
            del self._engines[engine_id]
        engine.stop()
        self._identity.revoke(token)
        return {}

    def stop(self) -> None:
        """Ends all of them."""
        with self._guard:
            left, self._engines = list(self._engines.values()), {}
        for _, engine, token in left:
            engine.stop()
            self._identity.revoke(token)
