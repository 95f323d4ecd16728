"""The hook through which `databricks.sdk.runtime` finds a runtime's `dbutils`, as it does on Databricks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .utilities import DbUtils, JobsUtility, LazySpark, TaskValues, WidgetsUtility, spark_udf

_task = TaskValues()
_widgets: dict[str, str] = {}


def enter_task(widgets: Mapping[str, str], task_values: Mapping[str, Mapping[str, Any]], values_file: Path) -> None:
    """Called once in a task's process, before its code."""
    _task.enter(task_values, values_file)
    _widgets.clear()
    _widgets.update(widgets)


class UserNamespaceInitializer:
    """Gives the objects that Databricks puts into a task's namespace."""

    _instance: UserNamespaceInitializer | None = None

    def __init__(self) -> None:
        spark = LazySpark()
        dbutils = DbUtils(JobsUtility(_task), WidgetsUtility(_widgets))
        self._globals: dict[str, Any] = {
            "dbutils": dbutils,
            "getArgument": dbutils.widgets.getArgument,
            "spark": spark,
            "sql": lambda query: spark.sql(query),
            "table": lambda name: spark.table(name),
            "udf": spark_udf,
            "sc": None,  # Spark Connect has no context
            "sqlContext": None,
            "display": print,
            "displayHTML": print,
        }

    @classmethod
    def getOrCreate(cls) -> UserNamespaceInitializer:  # noqa: N802 # the name that databricks.sdk.runtime calls
        if cls._instance is None:
            cls._instance = cls()
        return cls._instance

    def get_namespace_globals(self) -> dict[str, Any]:
        return self._globals
