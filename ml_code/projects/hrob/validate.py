"""Step hrob.validate: measure the candidate, and the champion on the same held-out rows. Sets the value `verdict`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ml_code.platform.errors import StepError
from ml_code.platform.evaluation.intervals import Evaluation, Resampling, difference, evaluate
from ml_code.platform.evaluation.metrics import Floats
from ml_code.platform.json_form import json_form
from ml_code.platform.registry.findings import Finding
from ml_code.platform.registry.promotion import Verdict, decide
from ml_code.platform.registry.versions import CANDIDATE, CHALLENGER, CHAMPION, LoadedModel, Versions
from ml_code.projects.hrob.configuration import Validation, read_project
from ml_code.projects.hrob.examination import examine, log_examination, read_limits
from ml_code.projects.hrob.held_out import predict, read_held_out
from ml_code.projects.hrob.rows import hash_split
from ml_code.projects.hrob.schema import LABEL

if TYPE_CHECKING:
    from ml_code.context import Context


@dataclass(frozen=True)
class Rule:
    """What the promotion rule is applied with."""

    by: Validation
    floor: float
    threshold: float
    conditions: tuple[Finding, ...]


@dataclass(frozen=True)
class Measured:
    """What the step found."""

    verdict: Verdict
    candidate: Evaluation
    champion: Evaluation | None


def run(
    context: "Context",
    *,
    model: str,
    floor: float,
    threshold: float,
    version: str = "",
    fairness: str = "{}",
    model_limits: str = "{}",
    **_: Any,
) -> Measured:
    """Score both on the rows that neither has seen, then apply the promotion rule; nothing is promoted here."""
    project = read_project(context.root, context.environment)
    limits = read_limits(project, fairness, model_limits)
    versions = Versions(model)
    candidate = versions.load(candidate_version(context, versions, version))
    champion = _champion(versions, candidate)
    _same_split(str(hash_split(project.parameters.split)), candidate, champion)

    both = [candidate, champion] if champion else [candidate]
    features = tuple(dict.fromkeys(name for one in both for name in one.preparation.features))
    rows = read_held_out(context, project, features)
    predicted = predict(candidate, rows)
    champions = predict(champion, rows) if champion else None
    examination = examine(project, limits, rows, candidate, predicted, None if champion is candidate else champions)
    rule = Rule(project.parameters.validation, floor, threshold, examination.findings)
    measured = _measure(rows, rule, candidate.version, predicted, champion.version if champion else None, champions)

    _log(candidate, measured)
    log_examination(project, examination, rows, candidate, predicted)
    versions.tag(candidate.version, examination.profile.tags())
    if measured.champion is not None and measured.verdict.decision != "unchanged":
        versions.point(CHALLENGER, candidate.version)
    context.set_task_value("verdict", measured.verdict.as_dict())
    _say(context, candidate, measured)
    return measured


def candidate_version(context: "Context", versions: Versions, asked: str) -> int:
    """The version asked for, else the one of this run's train task, else the alias candidate."""
    if asked:
        if not asked.isdigit():
            raise StepError(f"--version: expected a number, found {asked!r}")
        return int(asked)
    trained = context.task_value("train", "model_version")
    number = int(trained) if trained else versions.by_alias(CANDIDATE)
    if number is None:
        raise StepError(f"{versions.name} has no version with the alias {CANDIDATE}: run hrob.train first")
    return number


def _champion(versions: Versions, candidate: LoadedModel) -> LoadedModel | None:
    number = versions.by_alias(CHAMPION)
    if number is None:
        return None
    return candidate if number == candidate.version else versions.load(number)


def _same_split(split: str, candidate: LoadedModel, champion: LoadedModel | None) -> None:
    for model in (candidate, champion):
        trained_with = model.tags.get("split", split) if model else split
        if model is not None and trained_with != split:
            raise StepError(
                f"{model.name} v{model.version} was trained with the split '{trained_with}', configs.yml has "
                f"'{split}': it may have seen the held-out rows, so it cannot be measured on them; train it again"
            )


def _measure(
    rows: pd.DataFrame,
    rule: Rule,
    version: int,
    predicted: Floats,
    champion_version: int | None,
    champions: Floats | None,
) -> Measured:
    outcome = rows[LABEL].to_numpy(dtype=np.float64)
    by = rule.by
    resampling = Resampling(by.bootstrap, by.confidence, by.seed)
    evaluation = evaluate(outcome, predicted, resampling)
    opposite, apart = None, None
    if champions is not None:
        opposite = evaluation if champion_version == version else evaluate(outcome, champions, resampling)
        apart = difference(by.metric, outcome, predicted, champions, resampling)
    verdict = decide(
        metric=by.metric,
        floor=rule.floor,
        threshold=rule.threshold,
        version=version,
        candidate=evaluation.metrics[by.metric],
        rows=evaluation.rows,
        positives=evaluation.positives,
        champion_version=champion_version,
        champion=opposite.metrics[by.metric] if opposite else None,
        difference=apart,
        conditions=rule.conditions,
    )
    return Measured(verdict, evaluation, opposite)


def _log(candidate: LoadedModel, measured: Measured) -> None:
    """Metrics and the whole evaluation on the run that trained the version."""
    import time

    from mlflow import MlflowClient
    from mlflow.entities import Metric

    client = MlflowClient()
    numbers = measured.candidate.flat("test")
    if measured.champion is not None:
        numbers |= measured.champion.flat("champion_test")
    now = int(time.time() * 1000)
    client.log_batch(candidate.run_id, metrics=[Metric(name, value, now, 0) for name, value in numbers.items()])
    client.log_dict(candidate.run_id, json_form(measured), "evaluation/validation.json")


def _say(context: "Context", candidate: LoadedModel, measured: Measured) -> None:
    for name, estimate in measured.candidate.metrics.items():
        context.say(f"v{candidate.version} {name} {estimate}")
    for finding in measured.verdict.findings:
        context.say(f"{finding.outcome}: {finding.name}: {finding.words}")
    context.say(f"{candidate.name} v{candidate.version}: {measured.verdict.sentence()}")
