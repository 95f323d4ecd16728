"""Step hrob.validate: measure the candidate, and the champion on the same held-out rows. Sets the value `verdict`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml_code.platform.errors import StepError
from ml_code.platform.evaluation.intervals import Evaluation, Resampling, difference, evaluate
from ml_code.platform.registry.promotion import Verdict, decide
from ml_code.platform.registry.versions import CANDIDATE, CHALLENGER, CHAMPION, LoadedModel, Versions
from ml_code.platform.scoring import booster_of
from ml_code.projects.hrob.configuration import Validation, read_project
from ml_code.projects.hrob.rows import hash_split, labelled
from ml_code.projects.hrob.schema import KEY, LABEL

if TYPE_CHECKING:
    from ml_code.context import Context


@dataclass(frozen=True)
class Measured:
    """What the step found."""

    verdict: Verdict
    candidate: Evaluation
    champion: Evaluation | None


def run(context: "Context", *, model: str, floor: float, threshold: float, version: str = "", **_: Any) -> Measured:
    """Score both on the rows that neither has seen, then apply the promotion rule; nothing is promoted here."""
    project = read_project(context.root, context.environment)
    versions = Versions(model)
    candidate = versions.load(candidate_version(context, versions, version))
    champion = _champion(versions, candidate)
    split = hash_split(project.parameters.split)
    _same_split(str(split), candidate, champion)

    both = [candidate, champion] if champion else [candidate]
    features = tuple(dict.fromkeys(name for one in both for name in one.preparation.features))
    held_out = labelled(context, context.date, features, project.parameters.split.window_days).where(
        split.held_out(KEY)
    )
    rows = held_out.toPandas().sort_values(KEY, ignore_index=True)
    if rows.empty:
        raise StepError(f"no held-out rows with a known outcome up to {context.date}: ingest more days first")
    measured = _measure(rows, candidate, champion, project.parameters.validation, floor, threshold)

    _log(candidate, measured)
    if measured.champion is not None and measured.verdict.decision != "unchanged":
        versions.point(CHALLENGER, candidate.version)
    context.set_task_value("verdict", measured.verdict.as_dict())
    for name, estimate in measured.candidate.metrics.items():
        context.say(f"v{candidate.version} {name} {estimate}")
    context.say(f"{model} v{candidate.version}: {measured.verdict.sentence()}")
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
    candidate: LoadedModel,
    champion: LoadedModel | None,
    by: Validation,
    floor: float,
    threshold: float,
) -> Measured:
    outcome = rows[LABEL].to_numpy(dtype=np.float64)
    resampling = Resampling(by.bootstrap, by.confidence, by.seed)
    predicted = _predict(candidate, rows)
    evaluation = evaluate(outcome, predicted, resampling)
    opposite = evaluation if champion is candidate else None
    apart = None
    if champion is not None:
        champions = _predict(champion, rows)
        opposite = opposite or evaluate(outcome, champions, resampling)
        apart = difference(by.metric, outcome, predicted, champions, resampling)
    verdict = decide(
        metric=by.metric,
        floor=floor,
        threshold=threshold,
        version=candidate.version,
        candidate=evaluation.metrics[by.metric],
        rows=evaluation.rows,
        positives=evaluation.positives,
        champion_version=champion.version if champion else None,
        champion=opposite.metrics[by.metric] if opposite else None,
        difference=apart,
    )
    return Measured(verdict, evaluation, opposite)


def _predict(model: LoadedModel, rows: pd.DataFrame) -> NDArray[np.float64]:
    return np.asarray(booster_of(model.booster_text).predict(model.preparation.matrix(rows)), dtype=np.float64)


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
    document = {
        "verdict": measured.verdict.as_dict(),
        "candidate": measured.candidate.as_dict(),
        "champion": measured.champion.as_dict() if measured.champion else None,
    }
    client.log_dict(candidate.run_id, document, "evaluation/validation.json")
