"""What a run's and a version's tags and inputs tell of where a model comes from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ml_code.platform.marketplace.manifest import Run

_CODE = {
    "repository": ("git_url", "mlflow.source.git.repoURL", "mlflow.gitRepoURL", "mlflow.databricks.gitRepoUrl"),
    "branch": ("git_branch", "mlflow.source.git.branch", "mlflow.databricks.gitRepoReference"),
    "commit": ("git_commit", "mlflow.source.git.commit", "mlflow.databricks.gitRepoCommit"),
    "entry": ("mlflow.source.name", "mlflow.databricks.notebookPath"),
}
_JOB = {
    "job_id": ("job_id", "mlflow.databricks.jobID"),
    "run_id": ("job_run_id", "mlflow.databricks.jobRunID"),
}


def lineage_of(run: Run | None, tags: Mapping[str, str]) -> dict[str, Any]:
    """Code, job run and data behind a version; what nothing tells is left out. The version's own tags go first."""
    known = {**(run.tags if run else {}), **tags}
    inputs = [f"{each['name']}#{each['digest']}" for each in run.inputs] if run else []
    tables = [part.strip() for part in known.get("data_tables", "").split(",") if part.strip()]
    found = {
        "code": _named(known, _CODE),
        "job": _named(known, _JOB),
        "data": [*tables, *inputs],
    }
    return {key: value for key, value in found.items() if value}


def _named(known: Mapping[str, str], names: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    values = {name: next((known[tag] for tag in tags if known.get(tag)), "") for name, tags in names.items()}
    return {name: value for name, value in values.items() if value}
