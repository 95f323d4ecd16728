"""Step hrob.train: read, check, split, search, fit, log, register. Sets the task value `model_version`."""

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ml_code.platform.data_checks.figure import write_figure
from ml_code.platform.data_checks.profile import TableProfile, profile_table
from ml_code.platform.data_checks.sources import TableSource
from ml_code.platform.errors import StepError
from ml_code.platform.features.preparation import Preparation, fit_preparation
from ml_code.platform.registry.examples import signature, synthetic_rows
from ml_code.platform.registry.last_training import PICTURE, PROFILE
from ml_code.platform.registry.provenance import (
    DataVersion,
    code_digest,
    environment_tags,
    installed_packages,
    model_requirements,
)
from ml_code.platform.registry.versions import CANDIDATE, Versions
from ml_code.platform.training.booster import Fitted, Rows, fit
from ml_code.platform.training.runs import TrainingRun
from ml_code.platform.training.search import Plan, Trial, search
from ml_code.projects.hrob.configuration import Project, read_project
from ml_code.projects.hrob.rows import Sides, hash_split, source_of, split_rows
from ml_code.projects.hrob.schema import KEY, LABEL
from ml_code.projects.hrob.training_set import read_training_rows

if TYPE_CHECKING:
    from ml_code.context import Context

_NOTES = {
    "sample": "Trained on the real births sample; its days are simulated.",
    "generator": "Trained on made-up members of the generator, not on patients.",
    "sample+generator": "Trained on the births sample mixed with made-up members of the generator.",
}


@dataclass(frozen=True)
class Trained:
    """What the step made."""

    run_id: str
    version: int
    trials: int
    validation: dict[str, float]


def run(
    context: "Context",
    *,
    model: str,
    experiment: str,
    trials: int,
    stages: bool = False,
    retraining: str = "",
    **_: Any,
) -> Trained:
    """Search, fit the best and register it under the alias candidate. The test rows are profiled, not learned from."""
    if trials < 1:
        raise StepError(f"--trials: expected at least 1, found {trials}")
    project = read_project(context.root, context.environment)
    rows, data, profile = _read(context, project)
    split = hash_split(project.parameters.split)
    sides = split_rows(rows, split)
    context.say(
        f"{len(sides.train)} rows to train on, {len(sides.validation)} to choose by, {sides.held_out} held out "
        f"({data.source}, {int(rows[LABEL].sum())} outcomes)"
    )
    tags = {
        **context.origin.tags(context.run_id),
        **data.tags(),
        **environment_tags(),
        **({"retraining": retraining} if retraining else {}),
        "code_digest": code_digest(context.root),
        "environment": context.environment,
        "split": str(split),
        "date": context.date.isoformat(),
    }
    with TrainingRun(experiment, f"train {context.date.isoformat()}", tags) as training:
        training.log({"trials": trials, **project.parameters.search.model_dump()}, {})
        _log_data(training, sides, data, project)
        _log_profile(training, profile)
        best = _search(context, training, sides, project, trials)
        preparation, final = _fit_final(sides, project, best)
        validation = _rows(preparation, sides.validation)
        training.log({f"best_{key}": value for key, value in best.parameters.items()}, _prefixed(best.metrics))
        training.log_files(validation.outcome, best.predicted, best.fitted)
        uri = _log_model(training, project, preparation, final)
        version = _register(context, model, uri, training.run_id, {**tags, "data_note": _NOTES[data.source]})
    if stages:
        Versions(model).move_to_stage(version, "Staging")
    context.set_task_value("model_version", version)
    context.say(f"registered {model} v{version} (alias {CANDIDATE}), run {training.run_id}")
    return Trained(training.run_id, version, trials, best.metrics)


def _read(context: "Context", project: Project) -> tuple[pd.DataFrame, DataVersion, TableProfile]:
    read = read_training_rows(context, project)
    if absent := [name for name in project.selection.features if name not in read.features]:
        raise StepError(f"{context.table('features')} has no column {', '.join(absent)}: run hrob.features first")
    profile = profile_table(TableSource(read.seen), keys=(KEY,))
    rows = read.rows.to_pandas()
    return rows, DataVersion(read.versions, profile.digest, profile.rows, source_of(rows)), profile


def _search(context: "Context", training: TrainingRun, sides: Sides, project: Project, trials: int) -> Trial:
    parameters = project.parameters.search
    preparation = fit_preparation(project.selection, sides.train)
    validation = _rows(preparation, sides.validation)

    def log(trial: Trial) -> None:
        training.log_child(
            f"trial {trial.number}",
            {**trial.parameters, "rounds": trial.fitted.rounds},
            trial.metrics,
            validation.outcome,
            trial.predicted,
            trial.fitted,
            plots=parameters.plots_every_trial,
        )
        context.say(f"trial {trial.number + 1}/{trials}: {parameters.metric} {trial.metrics[parameters.metric]:.4f}")

    plan = Plan(parameters.metric, trials, parameters.rounds, parameters.seed, parameters.threads)
    return search(preparation.features, _rows(preparation, sides.train), validation, plan, log)


def _fit_final(sides: Sides, project: Project, best: Trial) -> tuple[Preparation, Fitted]:
    """The best parameters on training and validation rows together, for the rounds that the best trial used."""
    rows = pd.concat([sides.train, sides.validation])
    preparation = fit_preparation(project.selection, rows)
    search_for = project.parameters.search
    fitted = fit(
        preparation.features,
        _rows(preparation, rows),
        best.parameters,
        rounds=best.fitted.rounds,
        seed=search_for.seed,
        threads=search_for.threads,
    )
    return preparation, fitted


def _log_data(training: TrainingRun, sides: Sides, data: DataVersion, project: Project) -> None:
    """The data set as an input of the run; the environment and the selection as files."""
    import mlflow
    from mlflow.data.delta_dataset_source import DeltaDatasetSource
    from mlflow.entities import DatasetInput, InputTag

    table, version = next(iter(data.tables.items()))
    source = DeltaDatasetSource(delta_table_name=table, delta_table_version=version)
    # As doubles: a schema with whole numbers would claim that none can be missing.
    seen = sides.everything[[*project.selection.features, LABEL]].astype("float64")
    dataset = mlflow.data.from_pandas(seen, source=source, targets=LABEL, name=table, digest=data.digest)
    entry = DatasetInput(dataset._to_mlflow_entity(), [InputTag("mlflow.data.context", "training")])
    training.client.log_inputs(training.run_id, [entry])
    training.client.log_text(training.run_id, installed_packages(), "environment/packages.txt")
    training.client.log_dict(training.run_id, project.selection.as_dict(), "data/feature_selection.json")


def _log_profile(training: TrainingRun, profile: TableProfile) -> None:
    """The profile, which the next gate compares with, and its picture."""
    training.client.log_dict(training.run_id, profile.as_dict(), PROFILE)
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / Path(PICTURE).name
        write_figure(picture, profile)
        training.client.log_artifact(training.run_id, str(picture), str(Path(PICTURE).parent))


def _log_model(training: TrainingRun, project: Project, preparation: Preparation, final: Fitted) -> str:
    import mlflow

    from ml_code.platform.registry import risk_model

    with tempfile.TemporaryDirectory() as folder:
        artifacts = {"booster": Path(folder) / "booster.txt", "preparation": Path(folder) / "preparation.json"}
        artifacts["booster"].write_text(final.text(), encoding="utf-8")
        artifacts["preparation"].write_text(json.dumps(preparation.as_dict(), indent=1), encoding="utf-8")
        with mlflow.start_run(run_id=training.run_id):
            logged = mlflow.pyfunc.log_model(
                name="model",
                python_model=str(risk_model.__file__),
                artifacts={name: str(path) for name, path in artifacts.items()},
                signature=signature(preparation.features),
                input_example=synthetic_rows(project.mappings, preparation.features),
                pip_requirements=model_requirements(),
                metadata={"features": list(preparation.features)},
            )
    return str(logged.model_uri)


def _register(context: "Context", model: str, uri: str, run_id: str, tags: dict[str, str]) -> int:
    import mlflow

    registered = mlflow.register_model(uri, model, tags={**tags, "training_run_id": run_id})
    version = int(registered.version)
    Versions(model).point(CANDIDATE, version)
    return version


def _rows(preparation: Preparation, rows: pd.DataFrame) -> Rows:
    return Rows(preparation.matrix(rows), rows[LABEL].to_numpy(dtype=np.float64))


def _prefixed(metrics: dict[str, float]) -> dict[str, float]:
    return {f"validation_{name}": value for name, value in metrics.items()}
