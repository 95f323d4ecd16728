"""What validation looks at beside quality: fairness by sensitive column, the model's profile, what it goes by."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ml_code.platform.evaluation.intervals import Estimate, Resampling
from ml_code.platform.evaluation.metrics import Floats
from ml_code.platform.evaluation.plots import write_curves
from ml_code.platform.explain.attributions import Attributions, attributions
from ml_code.platform.explain.contributions import contributions
from ml_code.platform.explain.picture import draw
from ml_code.platform.explain.surrogates import GlobalSurrogate, global_surrogate
from ml_code.platform.fairness import limits as fairness_limits
from ml_code.platform.fairness.assessment import Assessment, Least, assess, losses
from ml_code.platform.json_form import json_form
from ml_code.platform.model_profile import limits as profile_limits
from ml_code.platform.model_profile.measure import ModelProfile, measure
from ml_code.platform.registry.examples import synthetic_rows
from ml_code.platform.registry.findings import Finding
from ml_code.platform.registry.versions import LoadedModel
from ml_code.platform.scoring import booster_of
from ml_code.projects.hrob.configuration import Project
from ml_code.projects.hrob.schema import LABEL

# A picture and a surrogate of more rows than these look the same.
_MOST_ROWS = 5_000
_PROFILED_ON = 1_000


@dataclass(frozen=True)
class Limits:
    """The limits of the settings, read and checked."""

    fairness: Mapping[str, fairness_limits.ColumnLimits]
    profile: Mapping[str, float]


@dataclass(frozen=True)
class Fairness:
    """One sensitive column: the candidate, the champion beside it, and what the candidate loses by group."""

    candidate: Assessment
    champion: Assessment | None
    losses: Mapping[str, Estimate]


@dataclass(frozen=True)
class Examination:
    """What was found, and the conditions that follow from it for the promotion rule."""

    fairness: tuple[Fairness, ...]
    profile: ModelProfile
    findings: tuple[Finding, ...]


def read_limits(project: Project, fairness: str, model_limits: str) -> Limits:
    """Both parameters from JSON. Raises StepError naming parameter, key and what was expected."""
    sensitive = project.parameters.monitoring.sensitive
    return Limits(fairness_limits.read_limits(fairness, sensitive), profile_limits.read_limits(model_limits))


def examine(
    project: Project, limits: Limits, rows: pd.DataFrame, candidate: LoadedModel, new: Floats, old: Floats | None
) -> Examination:
    """Look at the candidate's predictions `new`, beside the champion's `old` on the same rows where there is one."""
    by = project.parameters.validation
    fairness = tuple(
        _fairness(project, limits, rows, column, new, old) for column in project.parameters.monitoring.sensitive
    )
    inputs = synthetic_rows(project.mappings, candidate.preparation.features, _PROFILED_ON)
    profile = measure(f"models:/{candidate.name}/{candidate.version}", inputs)
    findings = [
        finding
        for found in fairness
        if found.candidate.column in limits.fairness
        for finding in fairness_limits.findings(
            limits.fairness[found.candidate.column], found.candidate, found.losses, by.metric
        )
    ]
    findings.extend(profile_limits.findings(limits.profile, profile))
    return Examination(fairness, profile, tuple(findings))


def log_examination(
    project: Project, examination: Examination, rows: pd.DataFrame, candidate: LoadedModel, predicted: Floats
) -> None:
    """Fairness, profile, curves and attributions as files of the run that trained the version."""
    from mlflow import MlflowClient

    client = MlflowClient()
    monitoring = project.parameters.monitoring
    fairness = {
        "decision": monitoring.decision,
        "smallest_group": monitoring.smallest_group,
        "columns": json_form(examination.fairness),
    }
    client.log_dict(candidate.run_id, fairness, "evaluation/fairness.json")
    client.log_dict(candidate.run_id, json_form(examination.profile), "model_profile.json")
    with tempfile.TemporaryDirectory() as name:
        curves, explained = Path(name) / "evaluation", Path(name) / "explain"
        curves.mkdir()
        explained.mkdir()
        write_curves(curves, rows[LABEL].to_numpy(dtype=np.float64), predicted)
        found = explain(candidate, rows, explained)
        client.log_artifacts(candidate.run_id, name)
    client.log_dict(candidate.run_id, found, "explain/attributions.json")


def explain(candidate: LoadedModel, rows: pd.DataFrame, folder: Path) -> dict[str, Any]:
    """Attributions on all rows and a global surrogate, as JSON; the picture `attributions.png` into the folder."""
    booster, names = booster_of(candidate.booster_text), candidate.preparation.features
    matrix = candidate.preparation.matrix(rows)
    (found,) = attributions(booster, matrix, names)
    some = matrix[:: -(-len(matrix) // _MOST_ROWS)]
    _, values = contributions(booster, some)
    draw(folder / "attributions.png", found, names, some, values, "log odds")
    surrogate = global_surrogate(lambda inputs: np.asarray(booster.predict(inputs)), some, names)
    return _document(found, surrogate)


def _document(found: Attributions, surrogate: GlobalSurrogate) -> dict[str, Any]:
    document: dict[str, Any] = json_form(found)
    return document | {"unit": "log odds", "surrogate": json_form(surrogate)}


def _fairness(
    project: Project, limits: Limits, rows: pd.DataFrame, column: str, new: Floats, old: Floats | None
) -> Fairness:
    by, monitoring = project.parameters.validation, project.parameters.monitoring
    resampling = Resampling(by.bootstrap, by.confidence, by.seed)
    limit = limits.fairness.get(column)
    least = Least(monitoring.smallest_group, limit.smallest_outcomes) if limit else Least(monitoring.smallest_group)
    outcome = rows[LABEL].to_numpy(dtype=np.float64)
    candidate = assess(column, rows[column], outcome, new, monitoring.decision, least, resampling)
    if old is None:
        return Fairness(candidate, None, {})
    champion = assess(column, rows[column], outcome, old, monitoring.decision, least, resampling)
    return Fairness(candidate, champion, losses(candidate, rows[column], outcome, new, old, by.metric, resampling))
