"""Down from a model version: what it wrote, which jobs score with it, and where it is served."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ci.lineage.sight import Missing, Sight, look
from ci.lineage.subject import CHAMPION, DAY, PREDICTIONS
from ci.lineage.trail import Kind, Node, State, Tracing, facts
from ci.tables import quoted

if TYPE_CHECKING:
    from databricks.sdk.service.jobs import BaseJob
    from databricks.sdk.service.serving import ServingEndpoint

_PARAMETER = re.compile(r"\{\{job\.parameters\.(\w+)\}\}")


def add_uses(tracing: Tracing, sight: Sight, model: str, version: int, id: str) -> None:
    """Predictions, jobs and serving endpoints that came from the version whose node is `id`."""
    jobs = list(_scoring_jobs(sight, model))
    _add_jobs(tracing, sight, jobs, model, version, id)
    tables = {f"{model.rpartition('.')[0]}.{PREDICTIONS}", *(_predictions_of(job) for job in jobs)}
    for table in sorted(tables):
        _add_predictions(tracing, sight, table, model, version, id)
    _add_endpoints(tracing, sight, model, version, id)


def _add_jobs(tracing: Tracing, sight: Sight, jobs: list[BaseJob], model: str, version: int, id: str) -> None:
    """Jobs follow the alias: only the champion's version is scored with."""
    pointed = look(lambda: sight.client.model_versions.get_by_alias(model, CHAMPION))
    champion = None if isinstance(pointed, Missing) else pointed.version
    names = ", ".join(sorted(_name(job) for job in jobs))
    if champion == version and jobs:
        for job in jobs:
            node = Node(id=f"job:{job.job_id}", kind=Kind.JOB, title=_name(job), facts=_job_facts(job))
            tracing.add(node)
            tracing.link(id, node.id, f"scores as {CHAMPION} in")
        return
    if not jobs:
        reason = f"no job that you may see scores with {model}"
    elif champion is None:
        reason = f"{names} scores with the alias {CHAMPION}, which no version has"
    else:
        reason = f"{names} scores with the alias {CHAMPION}, which is v{champion}"
    _add_none(tracing, Kind.JOB, id, Kind.JOB, reason, "scores in")


def _add_predictions(tracing: Tracing, sight: Sight, table: str, model: str, version: int, id: str) -> None:
    if isinstance(look(lambda: sight.client.tables.get(table)), Missing):
        _add_none(tracing, Kind.PREDICTIONS, id, table, "there is no such table that you may see", "wrote")
        return
    found = look(
        lambda: sight.tables.query(
            f"SELECT count(*) AS `rows`, min(`{DAY}`) AS first, max(`{DAY}`) AS last, count(DISTINCT run_id) AS runs"  # noqa: S608  # checked names
            f" FROM {quoted(table)} WHERE `model` = :model AND `model_version` = :version",
            model=model,
            version=version,
        )
    )
    if isinstance(found, Missing):
        tracing_id = f"predictions:{table}"
        tracing.add(Node(id=tracing_id, kind=Kind.PREDICTIONS, title=table, state=State.GAP, reason=found.reason))
        tracing.link(id, tracing_id, "wrote")
        return
    counted = found[0]
    if not counted["rows"]:
        _add_none(tracing, Kind.PREDICTIONS, id, table, "none of its rows are of this version", "wrote")
        return
    told = facts(
        [
            ("rows", counted["rows"]),
            ("first day", counted["first"]),
            ("last day", counted["last"]),
            ("job runs", counted["runs"]),
        ]
    )
    node = Node(id=f"predictions:{table}", kind=Kind.PREDICTIONS, title=table, facts=told)
    tracing.add(node)
    tracing.link(id, node.id, "wrote")


def _add_endpoints(tracing: Tracing, sight: Sight, model: str, version: int, id: str) -> None:
    from databricks.sdk.errors import NotImplemented

    try:
        listed = look(lambda: list(sight.client.serving_endpoints.list()))
    except NotImplemented:
        _add_none(tracing, Kind.ENDPOINT, id, Kind.ENDPOINT, "not offered by this workspace", "serves in")
        return
    if isinstance(listed, Missing):
        _add_none(tracing, Kind.ENDPOINT, id, Kind.ENDPOINT, listed.reason, "serves in")
        return
    serving = [endpoint for endpoint in listed if (model, str(version)) in _entities(endpoint)]
    for endpoint in serving:
        state = endpoint.state.ready.value if endpoint.state and endpoint.state.ready else None
        node = Node(
            id=f"endpoint:{endpoint.name}",
            kind=Kind.ENDPOINT,
            title=endpoint.name or "",
            facts=facts([("state", state), ("created by", endpoint.creator)]),
        )
        tracing.add(node)
        tracing.link(id, node.id, "serves in")
    if not serving:
        reason = "no serving endpoint that you may see has this version"
        _add_none(tracing, Kind.ENDPOINT, id, Kind.ENDPOINT, reason, "serves in")


def _add_none(tracing: Tracing, kind: Kind, of: str, title: str, reason: str, relation: str) -> None:
    node = Node(id=f"none:{kind}:{title}:{of}", kind=kind, title=title, state=State.NONE, reason=reason)
    tracing.add(node)
    tracing.link(of, node.id, relation)


def _scoring_jobs(sight: Sight, model: str) -> Iterator[BaseJob]:
    for job in sight.client.jobs.list(expand_tasks=True):
        if any(arguments.get("model") == model for arguments in _score_arguments(job)):
            yield job


def _score_arguments(job: BaseJob) -> Iterator[dict[str, str]]:
    """The arguments of a job's scoring tasks, the defaults of its parameters put in."""
    settings = job.settings
    defaults = {each.name: each.default for each in (settings.parameters if settings else None) or []}
    for task in (settings.tasks if settings else None) or []:
        words = (task.spark_python_task.parameters if task.spark_python_task else None) or []
        if words and words[0].endswith(".score"):
            filled = [_PARAMETER.sub(lambda found: defaults.get(found[1], found[0]), word) for word in words[1:]]
            yield {name.removeprefix("--"): value for name, value in zip(filled[::2], filled[1::2], strict=False)}


def _predictions_of(job: BaseJob) -> str:
    arguments = next(_score_arguments(job))
    return f"{arguments.get('catalog')}.{arguments.get('schema')}.{PREDICTIONS}"


def _job_facts(job: BaseJob) -> dict[str, str]:
    settings = job.settings
    schedule = settings.schedule if settings else None
    source = settings.git_source if settings else None
    paused = schedule is not None and schedule.pause_status is not None and schedule.pause_status.value == "PAUSED"
    return facts(
        [
            ("id", job.job_id),
            ("schedule", f"{schedule.quartz_cron_expression}{' (paused)' if paused else ''}" if schedule else "none"),
            ("branch", (source.git_branch or source.git_tag or source.git_commit) if source else None),
        ]
    )


def _name(job: BaseJob) -> str:
    return (job.settings.name if job.settings else None) or str(job.job_id)


def _entities(endpoint: ServingEndpoint) -> set[tuple[str, str]]:
    served = (endpoint.config.served_entities if endpoint.config else None) or []
    return {(each.entity_name or "", each.entity_version or "") for each in served}
