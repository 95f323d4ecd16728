"""`dbutils` inside a task: task values and widgets are the run's own, secrets and files go over REST."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

MAX_VALUE_BYTES = 48 * 1024


class TaskValues:
    """`dbutils.jobs.taskValues`: small JSON values that later tasks of the same run may read."""

    def __init__(self) -> None:
        self._known: Mapping[str, Mapping[str, Any]] = {}
        self._file: Path | None = None
        self._own: dict[str, Any] = {}

    def enter(self, known: Mapping[str, Mapping[str, Any]], file: Path) -> None:
        """From here on: what other tasks have set (task key, then key), and where this task's values go."""
        self._known, self._file, self._own = known, file, {}

    def set(self, key: str, value: Any) -> None:
        """Raises ValueError for a value that is no JSON or whose JSON is longer than 48 KiB."""
        if not isinstance(key, str) or not key:
            raise ValueError("a task value's key is a non-empty string")
        try:
            size = len(json.dumps(value).encode())
        except TypeError as error:
            raise ValueError(f"the task value {key!r} is not JSON: {error}") from error
        if size > MAX_VALUE_BYTES:
            raise ValueError(f"the task value {key!r} takes {size} bytes as JSON; at most {MAX_VALUE_BYTES} fit")
        self._own[key] = value
        if self._file is None:
            return
        draft = self._file.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps(self._own))
        draft.replace(self._file)

    def get(self, taskKey: str, key: str, default: Any = None, debugValue: Any = None) -> Any:  # noqa: N803 # Databricks' names
        """The value that a task has set; `default` if there is none, ValueError if there is no default either."""
        values = self._known.get(taskKey, {})
        if key in values:
            return values[key]
        if default is not None:
            return default
        raise ValueError(f"task {taskKey!r} has set no task value {key!r}")


class JobsUtility:
    """`dbutils.jobs`."""

    def __init__(self, values: TaskValues) -> None:
        self.taskValues = values


class WidgetsUtility:
    """`dbutils.widgets`: the job's parameters, as on Databricks always strings."""

    def __init__(self, values: dict[str, str]) -> None:
        self._values = values

    def get(self, name: str) -> str:
        if name not in self._values:
            raise ValueError(f"no input widget or job parameter is named {name!r}")
        return self._values[name]

    def getAll(self) -> dict[str, str]:  # noqa: N802 # Databricks' name
        return dict(self._values)

    def getArgument(self, name: str, defaultValue: str | None = None) -> str | None:  # noqa: N802, N803 # Databricks' names
        return self._values.get(name, defaultValue)

    def text(self, name: str, defaultValue: str, label: str | None = None) -> None:  # noqa: N803 # Databricks' names
        self._values.setdefault(name, defaultValue)

    def remove(self, name: str) -> None:
        self._values.pop(name, None)

    def removeAll(self) -> None:  # noqa: N802 # Databricks' name
        self._values.clear()


class DbUtils:
    """`dbutils` as tasks import it from `databricks.sdk.runtime`."""

    def __init__(self, jobs: JobsUtility, widgets: WidgetsUtility) -> None:
        self.jobs = jobs
        self.widgets = widgets

    @cached_property
    def _remote(self) -> Any:
        from databricks.sdk.dbutils import RemoteDbUtils

        return RemoteDbUtils()

    @property
    def secrets(self) -> Any:
        return self._remote.secrets

    @property
    def fs(self) -> Any:
        return self._remote.fs

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise NotImplementedError(f"dbutils.{name} is not supported by the local workspace")


class LazySpark:
    """`spark`, whose session starts at its first use: many tasks want `dbutils` alone."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        from pyspark.sql import SparkSession

        return getattr(SparkSession.builder.getOrCreate(), name)


def spark_udf(*arguments: Any, **options: Any) -> Any:
    """`pyspark.sql.functions.udf`, imported at its first use."""
    from pyspark.sql import functions

    return functions.udf(*arguments, **options)
