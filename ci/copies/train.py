"""Training a copy: landing and training run as deployed, and the candidate that comes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ci.copies import which
from ci.copies.candidate import Candidate, Version, judge, measured
from ci.errors import Trouble
from ci.jobs.find import find_job, start_run
from ci.jobs.follow import Lines, follow
from ci.jobs.logs import failed_tasks, tail, task_log
from ci.jobs.states import state_of
from ci.models.compare import find_training
from infra.settings import Settings
from infra.settings.copies import copied_environment, names_of_copy

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.jobs import Run

_LOG_LINES = 15


def train(branch: str, parameters: Mapping[str, str], say: Callable[[str], None]) -> Candidate:
    """Runs the copy's landing and training to their ends. `parameters` go to both jobs, to each what it has.

    Raises Trouble with the failed task's last lines, or where the branch has no copy.
    """
    settings, client = names_of_copy(branch), which.client()
    _run(client, settings, "landing", parameters, say)
    ended = _run(client, settings, "training", parameters, say)
    return _candidate(client, settings, ended)


def _run(
    client: WorkspaceClient, settings: Settings, job: str, parameters: Mapping[str, str], say: Callable[[str], None]
) -> Run:
    name = settings.job_name(job)
    try:
        found = find_job(client, name)
    except Trouble as error:
        raise Trouble(
            f"{settings.branch} has no job {name}: deploy its copy first,"
            f" branchline copies deploy --branch {settings.branch}"
        ) from error
    declared = client.jobs.get(found.job_id or 0).settings
    known = {parameter.name for parameter in (declared.parameters if declared else None) or []}
    run_id = start_run(client, found, {key: value for key, value in parameters.items() if key in known})
    say(f"{name}: run {run_id}")
    ended = follow(client, run_id, Lines(lambda line: say(f"{job}: {line}")))
    if not state_of(ended).succeeded:
        logs = [f"task {task.task_key}:\n{tail(task_log(client, task), _LOG_LINES)}" for task in failed_tasks(ended)]
        raise Trouble("\n".join([f"run {run_id} of {name}: {state_of(ended).word}", *logs]))
    return ended


def _candidate(client: WorkspaceClient, settings: Settings, ended: Run) -> Candidate:
    candidate, tags = _version(client, settings.model_full_name, "candidate")
    if candidate is None or tags.get("job_run_id") != str(ended.run_id):
        raise Trouble(
            f"run {ended.run_id} succeeded, but {settings.model_full_name}@candidate is not of it: train the copy again"
        )
    home = copied_environment()
    champion, _ = _version(client, home.model_full_name, "champion")
    promotion = home.values.promotion
    verdict, reason = judge(candidate, champion, promotion.floor, promotion.threshold)
    snapshot = ended.git_source.git_snapshot if ended.git_source else None
    return Candidate(
        branch=settings.branch,
        commit=(snapshot.used_commit if snapshot else None) or tags.get("git_commit", ""),
        environment=home.environment,
        job_run=ended.run_id or 0,
        job_run_url=ended.run_page_url,
        candidate=candidate,
        champion=champion,
        same_rows=champion is not None and _same_rows(candidate, champion),
        floor=promotion.floor,
        threshold=promotion.threshold,
        verdict=verdict,
        reason=reason,
    )


def _version(client: WorkspaceClient, model: str, alias: str) -> tuple[Version | None, dict[str, str]]:
    """The version that an alias names, and its training run's tags; None where there is none."""
    from databricks.sdk.errors import NotFound

    try:
        found = client.model_versions.get_by_alias(model, alias)
    except NotFound:
        return None, {}
    training = find_training(client, model, str(found.version))
    run = client.experiments.get_run(training.run_id).run
    tags = {tag.key: tag.value or "" for tag in (run.data.tags if run and run.data else None) or [] if tag.key}
    return measured(model, found.version or 0, training, tags), tags


def _same_rows(candidate: Version, champion: Version) -> bool:
    """The digest is of all labelled rows that training read; who holds out which of them, a hash decides."""
    same = candidate.data_digest is not None and candidate.data_digest == champion.data_digest
    return same and (candidate.rows, candidate.positives) == (champion.rows, champion.positives)
