"""What a task knows, reached by Databricks' own ways only, so that it is the same on a laptop and in the cloud.

Spark comes from `SparkSession.builder.getOrCreate()`, the workspace from databricks-sdk, task values and secrets
from its `dbutils`; MLflow finds its server by itself. Everything is made on first use: a step pays for what it uses.
"""

import datetime
import logging
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient
    from pyspark.sql import SparkSession

NO_RUN = "0"

# MLflow would print two lines a trial and a progress bar a file into the task's log.
_QUIET = {"MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true", "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false"}


@dataclass(frozen=True)
class Origin:
    """Where the running code comes from: commit, branch and repository; `job_id` is "0" outside of a job."""

    commit: str
    branch: str
    repository: str
    job_id: str = NO_RUN

    def tags(self, run_id: str) -> dict[str, str]:
        """As tags of an MLflow run or a model version."""
        return {
            "git_commit": self.commit,
            "mlflow.source.git.commit": self.commit,
            "git_branch": self.branch,
            "git_url": self.repository,
            "job_id": self.job_id,
            "job_run_id": run_id,
        }


@dataclass
class Context:
    """One task: the names that it works on and the services that it talks to."""

    step: str
    root: str
    environment: str
    catalog: str
    schema: str
    date: datetime.date
    run_id: str = NO_RUN
    started: float = field(default_factory=time.monotonic)

    @classmethod
    def from_parameters(cls, step: str, root: str, parameters: Mapping[str, Any]) -> "Context":
        """The context of a step from its parsed parameters."""
        for switch, value in _QUIET.items():
            os.environ.setdefault(switch, value)
        names = ("environment", "catalog", "schema", "date", "run_id")
        return cls(step, root, **{name: parameters[name] for name in names})

    @cached_property
    def log(self) -> logging.Logger:
        """Goes to stderr, which a job keeps as the task's log."""
        logger = logging.getLogger("ml_code")
        if not logger.handlers:
            handler = logging.StreamHandler(sys.stderr)
            handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
            logger.addHandler(handler)
            logger.setLevel(logging.INFO)
            logger.propagate = False
        return logger

    def say(self, message: str) -> None:
        """One line of progress on stdout, seen at once."""
        print(f"[{self.elapsed():6.1f} s] {message}", flush=True)

    def elapsed(self) -> float:
        """Seconds since the task's context was made."""
        return time.monotonic() - self.started

    def table(self, name: str) -> str:
        """Three-level name of a table of the project."""
        return f"{self.catalog}.{self.schema}.{name}"

    def volume(self, name: str) -> str:
        """Path of a volume of the project."""
        return f"/Volumes/{self.catalog}/{self.schema}/{name}"

    @cached_property
    def spark(self) -> "SparkSession":
        """The session; functions of ours are sent to it whole, because its workers do not have this checkout."""
        from pyspark import cloudpickle
        from pyspark.sql import SparkSession

        import ml_code

        cloudpickle.register_pickle_by_value(ml_code)
        session = SparkSession.builder.getOrCreate()
        session.conf.set("spark.sql.session.timeZone", "UTC")
        return session

    @cached_property
    def workspace(self) -> "WorkspaceClient":
        """The workspace, as the task's own principal."""
        from databricks.sdk import WorkspaceClient

        return WorkspaceClient()

    @cached_property
    def origin(self) -> Origin:
        """The job run's pinned commit; outside of a job the checkout's, marked when something is uncommitted."""
        if self.run_id == NO_RUN:
            return self._checkout()
        run = self.workspace.jobs.get_run(int(self.run_id))
        source = run.git_source
        snapshot = source.git_snapshot if source else None
        if source is None or snapshot is None or not snapshot.used_commit:
            return Origin(**{**vars(self._checkout()), "job_id": str(run.job_id or NO_RUN)})
        return Origin(
            commit=snapshot.used_commit,
            branch=source.git_branch or source.git_tag or "",
            repository=source.git_url,
            job_id=str(run.job_id or NO_RUN),
        )

    def set_task_value(self, key: str, value: str | int | float | dict[str, Any]) -> None:
        """Tell later tasks of the run; nothing happens outside of a job."""
        from databricks.sdk.runtime import dbutils

        dbutils.jobs.taskValues.set(key=key, value=value)

    def task_value(self, task: str, key: str) -> Any:
        """What an earlier task of the run told; None outside of a job or when it told nothing."""
        from databricks.sdk.runtime import dbutils

        values: Any = dbutils.jobs.taskValues  # the stub says that get returns nothing
        return values.get(taskKey=task, key=key, default="", debugValue="") or None

    def secret(self, scope: str, key: str) -> str:
        """A secret of a scope that the task's principal may read."""
        from databricks.sdk.runtime import dbutils

        return str(dbutils.secrets.get(scope=scope, key=key))

    def _checkout(self) -> Origin:
        commit = self._git("rev-parse", "HEAD") or "unknown"
        if commit != "unknown" and self._git("status", "--porcelain"):
            commit += "-uncommitted"
        branch = self._git("rev-parse", "--abbrev-ref", "HEAD")
        return Origin(commit, branch, self._git("config", "--get", "remote.origin.url"))

    def _git(self, *arguments: str) -> str:
        try:
            done = subprocess.run(
                ["git", "-C", self.root, *arguments], capture_output=True, text=True, timeout=20, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            return ""
        return done.stdout.strip() if done.returncode == 0 else ""
