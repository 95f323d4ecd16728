"""What the last training of a model kept of its data and code, found through the newest version."""

import datetime
from dataclasses import dataclass

from mlflow import MlflowClient
from mlflow.artifacts import load_dict
from mlflow.exceptions import MlflowException

from ml_code.platform.data_checks.profile import TableProfile

PROFILE = "data/profile.json"
PICTURE = "data/profile.png"


@dataclass(frozen=True)
class LastTraining:
    """A version with the profile of its training set; `tables` are the Delta versions that it read."""

    version: int
    profile: TableProfile
    code_digest: str | None
    date: datetime.date | None
    tables: dict[str, int]

    @property
    def name(self) -> str:
        """For people."""
        return f"v{self.version}" + (f" of {self.date}" if self.date else "")


def last_training(model: str) -> LastTraining | None:
    """Of the newest version; None when there is none, or its run or its profile is not there any more."""
    client = MlflowClient()
    versions = client.search_model_versions(f"name='{model}'")
    if not versions:
        return None
    newest = max(versions, key=lambda version: int(version.version))
    try:
        tags = client.get_run(newest.run_id).data.tags
        profile = TableProfile.from_dict(load_dict(f"runs:/{newest.run_id}/{PROFILE}"))
    except (MlflowException, OSError, ValueError):
        return None
    date = tags.get("date")
    return LastTraining(
        int(newest.version),
        profile,
        tags.get("code_digest"),
        datetime.date.fromisoformat(date) if date else None,
        dict(_table(entry) for entry in tags.get("data_tables", "").split(", ") if entry),
    )


def _table(entry: str) -> tuple[str, int]:
    name, _, version = entry.rpartition("@v")
    return name, int(version)
