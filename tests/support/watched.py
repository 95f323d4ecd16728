"""A real workspace whose tables are monitored and asked by alerts, with a client, a clock and an outbox at hand."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from databricks.sdk import WorkspaceClient
from databricks.sdk.service import jobs

from infra.workspace import launch
from infra.workspace.launch import Running
from tests.support.jobs_room import URL

T = TypeVar("T")
_PATIENCE = 60.0


class Watched:
    """A running workspace as its admin sees it."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.client = WorkspaceClient(host=running.url, token=running.token, auth_type="pat")

    def as_service_principal(self, name: str) -> WorkspaceClient:
        token = launch.service_principal_token(self.running, name, 3600)
        return WorkspaceClient(host=self.running.url, token=token, auth_type="pat")

    def table(self, full_name: str, columns: Mapping[str, str]) -> str:
        """An empty Delta table, made without an engine; its full name."""
        catalog, schema, name = full_name.split(".")
        self.running.call(
            "POST",
            "/api/2.1/unity-catalog/tables",
            json={
                "catalog_name": catalog,
                "schema_name": schema,
                "name": name,
                "table_type": "MANAGED",
                "data_source_format": "DELTA",
                "columns": [
                    {"name": each, "type_name": kind.upper(), "type_text": kind, "position": position}
                    for position, (each, kind) in enumerate(columns.items())
                ],
            },
        )
        return full_name

    def job(self, *parameters: str, tags: Mapping[str, str], client: WorkspaceClient | None = None) -> int:
        """A job with one task, which runs the repository's ml_code/run.py."""
        task = jobs.Task(
            task_key="only",
            spark_python_task=jobs.SparkPythonTask(
                python_file="ml_code/run.py", source=jobs.Source.GIT, parameters=list(parameters)
            ),
        )
        source = jobs.GitSource(git_url=URL, git_provider=jobs.GitProvider.GIT_HUB, git_branch="main")
        made = (client or self.client).jobs.create(name="monitor", tasks=[task], git_source=source, tags=dict(tags))
        return made.job_id or 0

    def advance(self, days: float) -> None:
        self.running.call("PUT", "/api/2.0/local/clock", json={"advance_seconds": days * 86_400})

    def outbox(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.running.call("GET", "/api/2.0/local/outbox")["notifications"]
        return found


def eventually(look: Callable[[], T | None]) -> T:
    """What `look` finds, once it finds something."""
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it did not come about")
