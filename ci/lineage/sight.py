"""What a trail is read from: the workspace with the caller's rights, its tables, MLflow, and this clone's commits."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ci.errors import Trouble
from ci.repository import ROOT
from ci.steps.execute import task_environment
from ci.tables import QueryFailed, Tables, tables_of
from ci.target import Target
from infra.settings import Settings, load_all, load_settings

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

T = TypeVar("T")


@dataclass(frozen=True)
class Missing:
    """Why something could not be read."""

    reason: str


@dataclass(frozen=True)
class Sight:
    """Everything that is looked into."""

    client: WorkspaceClient
    tables: Tables
    mlflow: Any
    """MLflow's client: only it tells the tags of a version of a Unity Catalog model."""
    settings: dict[str, Settings]
    clone: Path

    def settings_named(self, environment: str) -> Settings:
        """Raises Trouble for an environment that the project does not have."""
        if environment not in self.settings:
            raise Trouble(f"no environment {environment!r}: there are {', '.join(self.settings)}")
        return self.settings[environment]

    def settings_of(self, full_name: str) -> Settings | None:
        """The settings of the environment, or copy, in whose schema a table or model lies."""
        schema = full_name.rpartition(".")[0]
        return next((each for each in self.settings.values() if each.schema_full_name == schema), None)


@contextmanager
def sight_of(target: Target, branch: str | None = None, clone: Path = ROOT) -> Iterator[Sight]:
    """`branch` names the feature branch whose copies stand for the environments that allow them."""
    settings = {name: load_settings(name, branch=branch) for name in load_all()}
    client = target.client()
    with tables_of(target, client) as tables, _mlflow_client(target) as mlflow:
        yield Sight(client, tables, mlflow, settings, clone)


def look(call: Callable[[], T]) -> T | Missing:
    """What a call answers, or why it has nothing to say. A workspace that does not answer at all still raises."""
    from databricks.sdk.errors import NotFound, PermissionDenied

    try:
        return call()
    except NotFound as error:
        return Missing(_first_line(error) or "it is not there")
    except PermissionDenied as error:
        return Missing(f"it may not be seen with your rights: {_first_line(error)}")
    except QueryFailed as error:
        return Missing(_first_line(error))


def moment(milliseconds: int | None) -> str:
    """A time of the workspace, UTC."""
    if not milliseconds:
        return ""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [""])[0]


@contextmanager
def _mlflow_client(target: Target) -> Iterator[Any]:
    """MLflow takes its credentials from the process's environment alone."""
    before = dict(os.environ)
    os.environ.update(task_environment(target, before.get("SPARK_REMOTE", "")))
    # Its own patience, minutes, is too long for people.
    os.environ |= {"MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3"}
    try:
        from mlflow import MlflowClient  # seconds to import

        yield MlflowClient()
    finally:
        os.environ.clear()
        os.environ.update(before)
