"""A workspace and a Spark engine for the whole session, and a schema of its own for every test that asks for one."""

from __future__ import annotations

import itertools
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.catalog import VolumeType

from infra.workspace import launch
from infra.workspace.catalog.sail import sail_environment
from infra.workspace.launch import Running
from ml_code.context import Context

ROOT = Path(__file__).parents[2]
CATALOG = "ml_code_tests"  # a name that no other test of the shared workspace uses
_numbers = itertools.count()


@dataclass(frozen=True)
class Services:
    """Where the session's workspace and Spark engine are."""

    environment: dict[str, str]
    client: WorkspaceClient
    workspace: Running

    @contextmanager
    def here(self) -> Iterator[None]:
        """This process as a task of the workspace: fixtures that outlive a test need it while they set up."""
        with pytest.MonkeyPatch.context() as patch:
            for key, value in self.environment.items():
                patch.setenv(key, value)
            yield


@dataclass(frozen=True)
class Place:
    """A schema with a volume, a model and an experiment, for one test alone."""

    schema: str
    client: WorkspaceClient

    def context(self, step: str, day: str | date, root: Path = ROOT, run_id: str = "0") -> Context:
        day = date.fromisoformat(day) if isinstance(day, str) else day
        return Context(step, str(root), "dev", CATALOG, self.schema, day, run_id)

    @property
    def model(self) -> str:
        return f"{CATALOG}.{self.schema}.risk"

    @property
    def experiment(self) -> str:
        return f"/Shared/{self.schema}"


@pytest.fixture(scope="session")
def services(workspace: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    environment = launch.environment(workspace)
    client = WorkspaceClient(host=workspace.url, token=workspace.token)
    client.catalogs.create(CATALOG)
    log = tmp_path_factory.mktemp("sail") / "sail.log"
    port = free_port()
    inherited = {
        key: value for key, value in os.environ.items() if not key.startswith(("DATABRICKS_", "UNITY_", "UC_"))
    }
    sail = subprocess.Popen(
        [sys.executable, "-m", "pysail", "spark", "server", "--port", str(port)],
        cwd=ROOT,
        env=inherited | sail_environment(workspace.url, workspace.token, [CATALOG]),
        stdout=log.open("ab"),
        stderr=subprocess.STDOUT,
    )
    mine = {key: value for key, value in environment.items() if not key.startswith("TF_")}
    mine |= {"SPARK_REMOTE": f"sc://127.0.0.1:{port}", "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true"}
    wait_for(port)
    try:
        yield Services(mine, client, workspace)
    finally:
        sail.terminate()
        sail.wait(20)
        client.catalogs.delete(CATALOG, force=True)


@pytest.fixture(autouse=True)
def _as_a_task(request: pytest.FixtureRequest) -> Iterator[None]:
    """For the test alone: the tests of other rooms run in the same process and must not find these credentials."""
    if "services" not in request.fixturenames:
        yield
        return
    services: Services = request.getfixturevalue("services")
    with services.here():
        yield


@pytest.fixture
def place(services: Services) -> Place:
    return new_place(services)


def new_place(services: Services) -> Place:
    schema = f"hrob_{next(_numbers)}"
    client = services.client
    client.schemas.create(schema, CATALOG)
    client.volumes.create(CATALOG, schema, "landing", VolumeType.MANAGED)
    client.workspace.mkdirs("/Shared")
    return Place(schema, client)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
