"""From a model version back to the run that trained it and the data that it learned from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ci.errors import Trouble
from ci.lineage.code import NO_RUN, add_job_run
from ci.lineage.data import add_derived
from ci.lineage.sight import Missing, Sight, look, moment
from ci.lineage.subject import ModelVersion
from ci.lineage.trail import Kind, Node, State, Tracing, facts

if TYPE_CHECKING:
    from databricks.sdk.service.catalog import ModelVersionInfo
    from databricks.sdk.service.ml import Run

_TOLD = ("trials", "seed", "metric")


def model_id(model: str, version: int) -> str:
    """Id of a model version's node."""
    return f"model:{model}/{version}"


def find_version(sight: Sight, asked: ModelVersion) -> int:
    """The version's number; raises Trouble saying which there are."""
    models = sight.client.model_versions
    found = look(
        lambda: (
            models.get(asked.model, asked.version)
            if asked.version is not None
            else models.get_by_alias(asked.model, asked.alias or "")
        )
    )
    if not isinstance(found, Missing) and found.version is not None:
        return int(found.version)
    what = f"version {asked.version}" if asked.version is not None else f"alias {asked.alias}"
    there = look(lambda: sorted(each.version or 0 for each in models.list(asked.model)))
    reason = found.reason if isinstance(found, Missing) else "the workspace names no number"
    if isinstance(there, Missing):
        raise Trouble(f"no registered model {asked.model}: {there.reason}")
    known = ", ".join(str(number) for number in there) or "no version at all"
    raise Trouble(f"{asked.model} has no {what} ({reason}); it has {known}")


def add_model(tracing: Tracing, sight: Sight, model: str, version: int) -> str:
    """The version's node and all that leads to it; returns the node's id."""
    found = look(lambda: sight.client.model_versions.get(model, version, include_aliases=True))
    title = f"{model} v{version}"
    if isinstance(found, Missing):
        missing = Node(
            id=model_id(model, version), kind=Kind.MODEL, title=title, state=State.GAP, reason=_deleted(found.reason)
        )
        return tracing.add(missing)
    tags = version_tags(sight, model, version)
    told = {"verdict": tags.reason} if isinstance(tags, Missing) else _verdict(tags)
    id = tracing.add(
        Node(
            id=model_id(model, version),
            kind=Kind.MODEL,
            title=title,
            facts={**_aliases(found), **told, "registered": moment(found.created_at)},
        )
    )
    if isinstance(tags, Missing):
        tracing.gap(Kind.MODEL, id, "verdict", tags.reason, "judged")
    if found.run_id:
        _add_run(tracing, sight, found.run_id, id)
    else:
        tracing.gap(Kind.RUN, id, "MLflow run", "the version does not say which run made it", "registered")
    return id


def _add_run(tracing: Tracing, sight: Sight, run_id: str, model: str) -> None:
    found = look(lambda: sight.client.experiments.get_run(run_id).run)
    if isinstance(found, Missing) or found is None:
        reason = found.reason if isinstance(found, Missing) else "MLflow has no such run"
        tracing.gap(Kind.RUN, model, f"MLflow run {run_id}", reason, "registered")
        return
    tags = {item.key or "": item.value or "" for item in (found.data.tags if found.data else None) or []}
    id = tracing.add(
        Node(
            id=f"mlflow-run:{run_id}",
            kind=Kind.RUN,
            title=tags.get("mlflow.runName") or run_id,
            facts=_run_facts(sight, run_id, found, tags),
        ),
        into=model,
        relation="registered",
    )
    _add_data(tracing, sight, found, tags, id)
    name = model.removeprefix("model:").rpartition("/")[0]
    add_job_run(tracing, sight, tags.get("job_run_id", NO_RUN), tags.get("git_commit"), name, id, "trained")


def _add_data(tracing: Tracing, sight: Sight, run: Run, tags: dict[str, str], into: str) -> None:
    """The data version as the run's tags tell it: Delta versions of tables, and a digest over the rows."""
    digest, told = tags.get("data_digest"), tags.get("data_tables", "")
    if not digest or not told:
        tracing.gap(Kind.DATA, into, "data version", "the run has no tags that name its data", "was learned by")
        return
    facts_ = facts(
        [
            ("tables", told),
            ("rows", tags.get("data_rows")),
            ("source", tags.get("data_source")),
            ("as of", tags.get("date")),
            ("split", tags.get("split")),
            ("logged as", ", ".join(_datasets(run))),
        ]
    )
    data = Node(id=f"data:{digest}", kind=Kind.DATA, title=f"rows {digest}", facts=facts_)
    id = tracing.add(data, into=into, relation="was learned by")
    for entry in told.split(", "):
        name, _, version = entry.rpartition("@v")
        add_derived(tracing, sight, name, int(version), id, "is part of")


def _datasets(run: Run) -> list[str]:
    """The data set as MLflow logged it, for those who start from there."""
    found = (run.inputs.dataset_inputs if run.inputs else None) or []
    return [
        f"{json.loads(each.dataset.source).get('delta_table_name', each.dataset.name)} {each.dataset.digest}"
        for each in found
        if each.dataset
    ]


def columns_of(model: str, version: int) -> list[str] | Missing:
    """The features that a version takes, from the signature that was logged with it."""
    from mlflow.exceptions import MlflowException
    from mlflow.models import get_model_info

    try:
        signature = get_model_info(f"models:/{model}/{version}").signature
    except MlflowException as error:
        return Missing(f"the model's signature cannot be read: {error.message}")
    return list(signature.inputs.input_names()) if signature else Missing("the model was logged without a signature")


def version_tags(sight: Sight, model: str, version: int) -> dict[str, str] | Missing:
    """The tags of a version, which only MLflow's client tells."""
    from mlflow.exceptions import MlflowException

    try:
        return dict(sight.mlflow.get_model_version(model, str(version)).tags)
    except MlflowException as error:
        return Missing(f"its tags cannot be read: {error.message}")


def _aliases(found: ModelVersionInfo) -> dict[str, str]:
    return {"aliases": ", ".join(sorted(alias.alias_name or "" for alias in found.aliases or [])) or "none"}


def _verdict(tags: dict[str, str]) -> dict[str, str]:
    """What the promotion rule said, and the numbers that it said it by."""
    verdict = tags.get("verdict")
    if not verdict:
        return facts([("verdict", "none written yet"), ("note", tags.get("data_note"))])
    interval = tags.get("verdict_interval", "").replace(" ", ", ")
    difference = tags.get("verdict_difference")
    return facts(
        [
            ("verdict", f"{verdict}: {tags.get('verdict_reason')}"),
            (tags.get("verdict_metric", "metric"), f"{tags.get('verdict_value')} [{interval}]"),
            ("measured on", f"{tags.get('verdict_rows')} held-out rows, {tags.get('verdict_outcomes')} outcomes"),
            ("floor, threshold", f"{tags.get('verdict_floor')}, {tags.get('verdict_threshold')}"),
            ("against champion", f"v{tags.get('verdict_champion')}: difference {difference}" if difference else None),
            ("judged by job run", tags.get("verdict_job_run_id")),
            ("former champion", f"v{tags['former_champion']}" if "former_champion" in tags else None),
            ("note", tags.get("data_note")),
        ]
    )


def _run_facts(sight: Sight, run_id: str, found: Run, tags: dict[str, str]) -> dict[str, str]:
    info = found.info
    experiment = look(lambda: sight.client.experiments.get_experiment(info.experiment_id or "" if info else ""))
    name = None if isinstance(experiment, Missing) or not experiment.experiment else experiment.experiment.name
    parameters = {item.key or "": item.value or "" for item in (found.data.params if found.data else None) or []}
    best = {key.removeprefix("best_"): _short(value) for key, value in parameters.items() if key.startswith("best_")}
    packages = {key.removeprefix("package_"): value for key, value in tags.items() if key.startswith("package_")}
    return facts(
        [
            ("experiment", f"{name or 'not to be seen'} (id {info.experiment_id if info else '?'})"),
            ("started", moment(info.start_time if info else None)),
            ("status", info.status.value if info and info.status else None),
            ("search", ", ".join(f"{key} {parameters[key]}" for key in _TOLD if key in parameters)),
            ("chosen", ", ".join(f"{key} {value}" for key, value in best.items())),
            ("python", tags.get("python_version")),
            ("packages", ", ".join(f"{key} {value}" for key, value in packages.items())),
            ("run", run_id),
        ]
    )


def _short(value: str) -> str:
    try:
        return f"{float(value):.4g}"
    except ValueError:
        return value


def _deleted(reason: str) -> str:
    return f"not in the registry (deleted?), so its run and data version are not known: {reason}"
