"""Versions of a registered model in MLflow's registry. Aliases are the truth: champion, challenger, candidate."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from ml_code.platform.errors import StepError
from ml_code.platform.features.preparation import Preparation
from ml_code.platform.registry.promotion import Verdict

CHAMPION = "champion"
CHALLENGER = "challenger"
CANDIDATE = "candidate"

# What registries say where there is no such alias or model: MLflow's own, and Unity Catalog's.
_ABSENT = {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE", "NOT_FOUND", "ROUTINE_DOES_NOT_EXIST"}
_TAG_LENGTH = 1000  # Unity Catalog takes no longer values


@dataclass(frozen=True)
class LoadedModel:
    """A version ready to score with: the booster as text (it travels to workers) and its preparation."""

    name: str
    version: int
    run_id: str
    booster_text: str
    preparation: Preparation
    tags: dict[str, str]


class Versions:
    """The versions of one registered model."""

    def __init__(self, name: str) -> None:
        self.name = name

    @cached_property
    def _client(self) -> MlflowClient:
        return MlflowClient()

    def by_alias(self, alias: str) -> int | None:
        """The version that an alias points to; None when there is none."""
        try:
            return int(self._client.get_model_version_by_alias(self.name, alias).version)
        except MlflowException as error:
            if _is_absent(error):
                return None
            raise

    def get(self, version: int) -> Any:
        """MLflow's own record of a version. Raises StepError when it does not exist."""
        try:
            return self._client.get_model_version(self.name, str(version))
        except MlflowException as error:
            if _is_absent(error):
                raise StepError(f"{self.name} has no version {version}") from None
            raise

    def all(self) -> list[Any]:
        """MLflow's records of all versions, oldest first; none where there is no such model."""
        numbers: list[int] = []
        token = None
        while True:
            page = self._client.search_model_versions(f"name = '{self.name}'", page_token=token)
            numbers += [int(record.version) for record in page]
            token = page.token
            if not token:
                # One by one, because Unity Catalog's search leaves tags and aliases out.
                return [self.get(number) for number in sorted(numbers)]

    def load(self, version: int) -> LoadedModel:
        """Download a version and read its parts."""
        record = self.get(version)
        model = mlflow.pyfunc.load_model(f"models:/{self.name}/{version}").unwrap_python_model()
        preparation = Preparation.from_dict(model.preparation)
        return LoadedModel(self.name, version, record.run_id, model.booster_text, preparation, dict(record.tags))

    def point(self, alias: str, version: int) -> None:
        """Make the alias point to the version."""
        self._client.set_registered_model_alias(self.name, alias, str(version))

    def unpoint(self, alias: str, version: int) -> None:
        """Remove the alias if it points to the version."""
        if self.by_alias(alias) == version:
            self._client.delete_registered_model_alias(self.name, alias)

    def tag(self, version: int, tags: dict[str, str]) -> None:
        """Set tags on a version."""
        for key, value in tags.items():
            self._client.set_model_version_tag(self.name, str(version), key, value)

    def write_verdict(self, verdict: Verdict, run_id: str, card: str) -> None:
        """The verdict and its numbers as tags and description of the version; `card` is the model card's address."""
        tags = {
            "verdict": verdict.decision,
            "verdict_reason": _tag(verdict.reason),
            "verdict_metric": verdict.metric,
            "verdict_value": _number(verdict.candidate.value),
            "verdict_interval": f"{_number(verdict.candidate.low)} {_number(verdict.candidate.high)}",
            "verdict_rows": str(verdict.rows),
            "verdict_outcomes": str(verdict.positives),
            "verdict_floor": f"{verdict.floor:g}",
            "verdict_threshold": f"{verdict.threshold:g}",
            "verdict_job_run_id": run_id,
            "verdict_findings": _tag(", ".join(f"{each.name} {each.outcome}" for each in verdict.findings)),
        }
        if verdict.champion is not None and verdict.difference is not None:
            tags |= {
                "verdict_champion": str(verdict.champion_version),
                "verdict_champion_value": _number(verdict.champion.value),
                "verdict_difference": _number(verdict.difference.value),
                "verdict_difference_interval": f"{_number(verdict.difference.low)} {_number(verdict.difference.high)}",
            }
        self.tag(verdict.version, tags | {"model_card": _tag(card)})
        origin = str(self.get(verdict.version).tags.get("data_note", ""))
        description = " ".join(part for part in (verdict.sentence(), origin, f"Model card: {card}") if part)
        self._client.update_model_version(self.name, str(verdict.version), description)

    def promote(self, version: int) -> None:
        """Make the version the champion. The alias moves in one call: there is no moment without a champion."""
        former = self.by_alias(CHAMPION)
        if former is not None and former != version:
            self.tag(version, {"former_champion": str(former)})
        self.point(CHAMPION, version)
        self.unpoint(CHALLENGER, version)

    def move_to_stage(self, version: int, stage: str) -> None:
        """Legacy stages, for workspaces that still use them; Unity Catalog models have none."""
        try:
            self._client.transition_model_version_stage(
                self.name, str(version), stage, archive_existing_versions=stage == "Production"
            )
        except MlflowException as error:
            raise StepError(
                f"{self.name} v{version} cannot be moved to stage {stage}: this registry has no stages ({error})"
            ) from None


def _is_absent(error: MlflowException) -> bool:
    # MLflow files a code that it does not know under INTERNAL_ERROR; what was answered stays in `json`.
    answered = getattr(error, "json", {}).get("error_code", error.error_code)
    return answered in _ABSENT


def _tag(text: str) -> str:
    return text if len(text) <= _TAG_LENGTH else f"{text[: _TAG_LENGTH - 2]} …"


def _number(value: float) -> str:
    return f"{value:.4f}"
