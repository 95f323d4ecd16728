"""Train, validate, promote and score on made-up members, against a real workspace and a real Spark engine."""

from __future__ import annotations

import datetime
import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pytest
from mlflow import MlflowClient

from ml_code.platform import tables
from ml_code.platform.errors import StepError
from ml_code.platform.model_profile.limits import LIMITS
from ml_code.platform.model_profile.measure import ModelProfile, measure
from ml_code.platform.monitoring import retraining as retrainings
from ml_code.platform.monitoring.retraining import Retraining
from ml_code.platform.registry.versions import Versions
from ml_code.platform.volumes import Volume
from ml_code.projects.hrob import examination, features, ingest, promote, score, train, validate
from ml_code.projects.hrob.generator import Population, births
from ml_code.projects.hrob.land import in_file_order
from tests.ml_code.conftest import ROOT, Place

DAY = datetime.date(2026, 6, 30)
# Outcomes come up to 120 days late, so that members of the first days have theirs by then.
POPULATION = Population(members=6_000, first_day=datetime.date(2026, 1, 1), days=60)
FLOOR, THRESHOLD = 0.6, 0.02


@pytest.fixture(scope="session")
def measured_once() -> Callable[[str, pd.DataFrame], ModelProfile]:
    """Profiles the first model that comes; the others are said to be like it, for each takes seconds."""
    found: list[ModelProfile] = []

    def once(uri: str, rows: pd.DataFrame) -> ModelProfile:
        if not found:
            found.append(measure(uri, rows))
        return found[0]

    return once


@pytest.fixture
def project(
    place: Place,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    measured_once: Callable[[str, pd.DataFrame], ModelProfile],
) -> Path:
    """A checkout of its own, whose files a test may change, with members landed and features computed."""
    monkeypatch.setattr(examination, "measure", measured_once)
    root = tmp_path / "checkout"
    shutil.copytree(ROOT / "ml_code", root / "ml_code")
    configs = root / "ml_code/projects/hrob/configs.yml"
    configs.write_text(configs.read_text().replace("plots_every_trial: true", "plots_every_trial: false"))
    context = place.context("hrob.ingest", DAY)
    content = in_file_order(births(POPULATION).to_pandas()).to_csv(index=False).encode()
    Volume(context.workspace, context.volume("landing")).write("generated-all.csv", content)
    ingest.run(context)
    features.run(context)
    return root


def use_only(root: Path, *groups: str) -> None:
    path = root / "ml_code/projects/hrob/feature_selection_config.yml"
    path.write_text(f"keep: [{', '.join(groups)}]\n")


def job(
    place: Place, root: Path, trials: int = 3, retraining: str = "", **limits: str
) -> tuple[train.Trained, promote.Promoted]:
    trained = train.run(
        place.context("hrob.train", DAY, root), model=place.model, experiment=place.experiment, trials=trials
    )
    if retraining:
        Versions(place.model).tag(trained.version, {retrainings.TAG: retraining})
    promoted = promote.run(
        place.context("hrob.promote", DAY, root),
        model=place.model,
        experiment=place.experiment,
        floor=FLOOR,
        threshold=THRESHOLD,
        **limits,
    )
    assert promoted.version == trained.version
    return trained, promoted


def version(place: Place, number: int) -> Any:
    return MlflowClient().get_model_version(place.model, str(number))


def baseline(place: Place) -> set[str]:
    """The versions whose rows the baseline has, after a look at whether they are what they should be."""
    context = place.context("test", DAY)
    rows = context.spark.table(context.table("inference_log_baseline")).toPandas()
    assert len(rows) == rows["request_id"].nunique() > 1_000
    assert set(rows["source"]) == {"baseline"}
    assert set(rows["age_group"]) == {"under 20", "20 to 34", "35 or older"}
    assert set(rows["timestamp"].dt.hour) == {11}
    assert ((rows["risk"] >= 0.12) == (rows["prediction"] == 1)).all()
    assert 0.03 < rows["label"].mean() < 0.2
    assert rows["visits"].notna().mean() > 0.9
    return set(rows["model_version"])


def test_a_worse_challenger_is_refused_and_a_better_one_promoted(place: Place, project: Path) -> None:
    use_only(project, "mother", "prenatal_care")
    _, first = job(place, project)
    assert (first.decision, first.champion) == ("promote", 1)
    assert version(place, 1).tags["verdict"] == "promote"

    use_only(project, "mother")
    _, worse = job(place, project)
    assert (worse.decision, worse.champion) == ("refuse", 1)
    refused = version(place, 2)
    assert refused.tags["verdict"] == "refuse"
    assert float(refused.tags["verdict_difference"]) < THRESHOLD
    assert refused.tags["verdict_champion"] == "1"
    assert "refuse" in refused.description
    assert "made-up members of the generator" in refused.description
    assert "challenger" not in refused.aliases

    use_only(project, "mother", "father", "prenatal_care", "habits", "circumstances")
    unfair = {"age_group": {"demographic_parity_difference": 0.02}}
    trained, kept_out = job(place, project, fairness=json.dumps(unfair), model_limits='{"size_mb": 0.01}')
    assert (kept_out.decision, kept_out.champion) == ("refuse", 1)
    tags = version(place, 3).tags
    assert tags["verdict_reason"].startswith("better than the champion by")
    assert "demographic_parity_difference of age_group" in tags["verdict_reason"]
    assert "selection rate: " in tags["verdict_reason"]
    assert "size (MB) is" in tags["verdict_reason"]
    assert "fairness.age_group.demographic_parity_difference missed" in tags["verdict_findings"]
    assert tags["model_card"] == f"runs:/{trained.run_id}/model_card/card.html"
    assert set(tags) >= {f"profile_{name}" for name in LIMITS}
    assert baseline(place) == {"1"}
    client = MlflowClient()
    files = {
        file.path for folder in ("explain", "evaluation") for file in client.list_artifacts(trained.run_id, folder)
    }
    assert files >= {"explain/attributions.json", "explain/attributions.png", "evaluation/fairness.json"}
    card = mlflow.artifacts.load_text(tags["model_card"])
    for said in (
        "mother_group",
        "refuse",
        "selection rate",
        "fairness.age_group",
        "visits_per_month",
        "profile.size_mb",
    ):
        assert said in card

    better = promote.run(
        place.context("hrob.promote", DAY, project),
        model=place.model,
        experiment=place.experiment,
        floor=FLOOR,
        threshold=THRESHOLD,
        version="3",
        fairness='{"age_group": {"demographic_parity_difference": 0.5, "worse_than_champion": 0.5}}',
    )
    assert (better.decision, better.champion) == ("promote", 3)
    assert baseline(place) == {"3"}
    promoted = version(place, 3)
    assert float(promoted.tags["verdict_difference"]) >= THRESHOLD
    assert promoted.tags["former_champion"] == "1"
    assert "champion" in promoted.aliases

    again = promote.run(
        place.context("hrob.promote", DAY, project),
        model=place.model,
        experiment=place.experiment,
        floor=FLOOR,
        threshold=THRESHOLD,
        version="3",
    )
    assert (again.decision, again.champion) == ("unchanged", 3)
    assert version(place, 3).tags["verdict"] == "promote"


def test_the_run_tells_where_it_came_from(place: Place, project: Path) -> None:
    configs = project / "ml_code/projects/hrob/configs.yml"
    configs.write_text(configs.read_text().replace("plots_every_trial: false", "plots_every_trial: true"))
    trained, _ = job(place, project, trials=2)
    client = MlflowClient()
    run = client.get_run(trained.run_id)
    tags = run.data.tags
    assert tags["data_source"] == "generator"
    assert f"{place.schema}.features@v" in tags["data_tables"]
    assert int(tags["data_rows"]) > 4_000
    assert len(tags["data_digest"]) == len(tags["code_digest"]) == 32
    assert {"git_commit", "job_run_id", "job_id", "python_version", "package_lightgbm"} <= set(tags)
    assert run.info.status == "FINISHED"
    assert run.inputs.dataset_inputs[0].dataset.digest == tags["data_digest"]
    assert "test_auc_low" in run.data.metrics
    assert {"environment", "evaluation", "data"} <= {file.path for file in client.list_artifacts(trained.run_id)}

    children = client.search_runs(
        [run.info.experiment_id], f"tags.`mlflow.parentRunId` = '{trained.run_id}'", max_results=10
    )
    assert len(children) == 2
    for child in children:
        assert {"learning_rate", "rounds", "num_leaves"} <= set(child.data.params)
        assert {"auc", "log_loss", "brier"} <= set(child.data.metrics)
        files = {file.path for file in client.list_artifacts(child.info.run_id)}
        assert files >= {
            "feature_importance.json",
            "feature_importance.png",
            "roc.png",
            "precision_recall.png",
            "calibration.png",
        }

    registered = version(place, trained.version)
    assert registered.run_id == trained.run_id
    assert "candidate" in registered.aliases
    assert registered.tags["data_note"].startswith("Trained on made-up members")


def test_training_twice_gives_the_same_model(place: Place, project: Path) -> None:
    first, _ = job(place, project)
    context = place.context("hrob.rules", DAY, project)
    asked = Retraining("retraining-1", DAY, ("drift",), "members changed", "1", "requested", None, None, "0")
    retrainings.write(context, [asked])
    second, refused = job(place, project, retraining=asked.retraining)
    assert first.validation == second.validation
    assert refused.decision == "refuse"
    assert float(version(place, 2).tags["verdict_difference"]) == 0
    (settled,) = retrainings.read(context)
    assert (settled.outcome, settled.version) == ("refused", "2")
    assert "the threshold is 0.02" in str(settled.detail)


def test_scoring_a_day_twice_changes_nothing(place: Place, project: Path) -> None:
    with pytest.raises(StepError, match=r"no version with the alias champion: run the training job"):
        score.run(place.context("hrob.score", DAY, project), model=place.model)
    job(place, project)
    day = datetime.date(2026, 2, 3)
    context = place.context("hrob.score", day, project)
    predictions = context.table("predictions")

    def table() -> list[dict[str, Any]]:
        rows = context.spark.table(predictions).orderBy("birth_id", "date").collect()
        return [row.asDict() for row in rows]

    first = score.run(context, model=place.model)
    rows, number = table(), tables.version(context.spark, predictions)
    features_version = tables.version(context.spark, context.table("features"))
    again = score.run(place.context("hrob.score", day, project), model=place.model)
    assert first.members == first.written == len(rows) > 50
    assert again.written == 0
    assert table() == rows
    assert tables.version(context.spark, predictions) == number

    assert {row["model_version"] for row in rows} == {1}
    assert {row["scored_at"] for row in rows} == {datetime.datetime(2026, 2, 3, 11)}
    assert all(row["commit"] and row["run_id"] == "0" for row in rows)
    assert all(1 <= len(row["reasons"]) <= 3 for row in rows if row["band"] == "high")
    words = {word for row in rows for word in row["reasons"]}
    assert words & {"cigarettes a day", "month in which prenatal care began", "prenatal visits a month of care"}

    log = {row["birth_id"]: row for row in context.spark.table(context.table("inference_log")).collect()}
    assert {member: row["risk"] for member, row in log.items()} == {row["birth_id"]: row["risk"] for row in rows}
    for row in context.spark.table(context.table("attributions")).collect():
        odds = row["expected"] + sum(row["contributions"].values())
        assert log[row["birth_id"]]["risk"] == pytest.approx(1 / (1 + math.exp(-odds)), abs=1e-9)

    read = [row.asDict() for row in context.spark.table(context.table("scoring_runs")).collect()]
    assert [(row["date"], row["run_id"], row["model_version"]) for row in read] == [(day, "0", 1)]
    assert read[0]["features_version"] == features_version
    assert read[0]["commit"] == rows[0]["commit"]
    assert read[0]["features_table_id"] == context.workspace.tables.get(context.table("features")).table_id

    other = score.run(place.context("hrob.score", day + datetime.timedelta(1), project), model=place.model)
    assert len(table()) == len(rows) + other.written

    empty = score.run(place.context("hrob.score", "2026-12-24", project), model=place.model)
    assert (empty.members, empty.written) == (0, 0)


def test_too_little_data_is_said(place: Place) -> None:
    with pytest.raises(StepError, match="there is no table"):
        train.run(place.context("hrob.train", DAY), model=place.model, experiment=place.experiment, trials=1)
    ingest.run(place.context("hrob.ingest", DAY))
    features.run(place.context("hrob.features", DAY))
    with pytest.raises(StepError, match="no labelled births"):
        train.run(place.context("hrob.train", DAY), model=place.model, experiment=place.experiment, trials=1)
    with pytest.raises(StepError, match=r"run hrob\.train first"):
        validate.run(place.context("hrob.validate", DAY), model=place.model, floor=0.5, threshold=0.0)


def test_another_split_is_refused(place: Place, project: Path) -> None:
    job(place, project, trials=1)
    configs = project / "ml_code/projects/hrob/configs.yml"
    configs.write_text(configs.read_text().replace("salt: hrob-2", "salt: hrob-3"))
    with pytest.raises(StepError, match="it may have seen the held-out rows"):
        validate.run(place.context("hrob.validate", DAY, project), model=place.model, floor=0.5, threshold=0.0)
