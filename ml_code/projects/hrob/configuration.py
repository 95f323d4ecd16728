"""configs.yml as types: defaults for the project, then the environment's overrides."""

import datetime
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from ml_code.platform.configuration import Section, merge, parse, read_yaml
from ml_code.platform.errors import ConfigurationError
from ml_code.platform.features.mappings import Mappings, read_mappings
from ml_code.platform.features.selection import Selection, read_selection
from ml_code.platform.privacy.rules import Privacy, problems
from ml_code.projects.hrob.schema import KEY, OUTCOMES

FOLDER = Path("ml_code/projects/hrob")
Whole = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(gt=0, lt=1)]


class Landing(Section):
    """The volume and the simulated calendar."""

    volume: str
    first_day: datetime.date
    days: Positive


class Outcome(Section):
    """What counts as the outcome."""

    low_birth_weight_grams: Positive


class Split(Section):
    """Shares of the rows, in percent, and how far back the rows go."""

    salt: str
    train: Positive
    validation: Positive
    test: Positive
    window_days: Positive

    @model_validator(mode="after")
    def _whole(self) -> "Split":
        total = self.train + self.validation + self.test
        if total != 100:
            raise ValueError(f"train, validation and test must add up to 100, not {total}")
        return self


class Search(Section):
    """The hyperparameter search."""

    metric: Literal["log_loss", "auc", "average_precision"]
    seed: Whole
    rounds: Positive
    threads: Positive
    plots_every_trial: bool


class Validation(Section):
    """How a model is measured."""

    metric: Literal["auc", "average_precision"]
    bootstrap: Annotated[int, Field(ge=50)]
    confidence: Share
    seed: Whole


class Band(Section):
    """A risk band begins at this probability."""

    name: str
    starts: Annotated[float, Field(alias="from", ge=0, le=1)]


class Scoring(Section):
    """Batch inference and what is made of its scores."""

    hour: Annotated[int, Field(ge=0, le=23)]
    window_days: Positive
    bands: tuple[Band, ...] = Field(min_length=1)
    reasons: Whole
    reasons_for: tuple[str, ...]

    @model_validator(mode="after")
    def _bands_fall_to_zero(self) -> "Scoring":
        starts = [band.starts for band in self.bands]
        if starts != sorted(set(starts), reverse=True) or starts[-1] != 0:
            raise ValueError("bands must fall from the highest `from` to 0.0, each lower than the one before")
        if unknown := set(self.reasons_for) - {band.name for band in self.bands}:
            raise ValueError(f"reasons_for names no band: {', '.join(sorted(unknown))}")
        return self


class Monitoring(Section):
    """What the inference log is looked at by."""

    decision: Share
    attributes: dict[str, str]
    slices: tuple[str, ...]
    sensitive: tuple[str, ...]
    smallest_group: Positive

    @model_validator(mode="after")
    def _sensitive_columns_exist(self) -> "Monitoring":
        if unknown := [name for name in self.sensitive if name not in self.attributes]:
            raise ValueError(f"sensitive names no attribute: {', '.join(unknown)}")
        return self


class Parameters(Section):
    """All parameters of one environment."""

    landing: Landing
    outcome: Outcome
    split: Split
    search: Search
    validation: Validation
    scoring: Scoring
    monitoring: Monitoring
    privacy: Privacy


@dataclass(frozen=True)
class Project:
    """The three files of the project, read and checked."""

    parameters: Parameters
    mappings: Mappings
    selection: Selection


def read_parameters(path: Path, environment: str) -> Parameters:
    """configs.yml for an environment. Raises ConfigurationError naming file, key and what was expected."""
    # Every environment is checked at each reading: a mistake in prod's part shows in dev already.
    checked = _all_parameters(path)
    if environment not in checked:
        known = ", ".join(checked)
        raise ConfigurationError(f"{path.name}: environments.{environment}: missing; there are {known}")
    return checked[environment]


def read_project(root: str | Path, environment: str) -> Project:
    """All files of the project in the checkout at root. Raises ConfigurationError."""
    folder = Path(root) / FOLDER
    mappings = read_mappings(folder / "feature_mappings.yml")
    refuse_leaks(mappings)
    selection = read_selection(folder / "feature_selection_config.yml", mappings)
    parameters = read_parameters(folder / "configs.yml", environment)
    for name, each in _all_parameters(folder / "configs.yml").items():
        refuse_lost_columns(each, selection, f"configs.yml (environment {name})")
    return Project(parameters, mappings, selection)


def _all_parameters(path: Path) -> dict[str, Parameters]:
    raw = read_yaml(path)
    if not isinstance(raw, dict) or set(raw) != {"default", "environments"}:
        raise ConfigurationError(f"{path.name}: expected the keys default and environments at the top")
    environments: Any = raw["environments"] or {}
    return {
        name: parse(Parameters, merge(raw["default"], override or {}), f"{path.name} (environment {name})")
        for name, override in environments.items()
    }


def refuse_lost_columns(parameters: Parameters, selection: Selection, file: str) -> None:
    """Raises ConfigurationError when the privacy rules cannot be kept, or take away what monitoring looks at."""
    monitoring, privacy = parameters.monitoring, parameters.privacy
    found = [
        f"{file}: privacy.{text}" for text in problems(privacy, KEY, list(monitoring.attributes), selection.features)
    ]
    dropped = set(privacy.under("drop", [*monitoring.attributes, *selection.features]))
    for name in monitoring.slices:
        if lost := sorted(dropped & set(re.findall(r"[a-z_]\w*", name.lower()))):
            found.append(
                f"{file}: monitoring.slices: {name}: privacy drops {', '.join(lost)}, so there is nothing to slice by"
            )
    if found:
        raise ConfigurationError("\n".join(found))


def refuse_leaks(mappings: Mappings) -> None:
    """Raises ConfigurationError when a feature is computed from an outcome."""
    for name, feature in mappings.features.items():
        used = set(re.findall(r"[a-z_]\w*", feature.expression.lower())) & set(OUTCOMES)
        if used:
            raise ConfigurationError(
                f"feature_mappings.yml: {name}.expression: uses the outcome {', '.join(sorted(used))}, "
                "which is not known yet when a member is scored"
            )
