"""From a job run back to its commit, the pull request that brought it, its approved plan and its deployment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci.deployments.record import Deployment
from ci.deployments.store import Deployments
from ci.errors import Trouble
from ci.lineage.sight import Missing, Sight, look, moment
from ci.lineage.trail import Kind, Node, State, Tracing, facts
from ci.pull_requests import pull_request_of
from ci.repository import find_commit, git

if TYPE_CHECKING:
    from databricks.sdk.service.jobs import Run

NO_RUN = "0"
UNCOMMITTED = "-uncommitted"
_SHORT = 12


def add_job_run(
    tracing: Tracing, sight: Sight, run_id: str, commit: str | None, of: str, into: str, relation: str
) -> None:
    """The job run and its code. `commit` is what the result says wrote it; `of` is a table or model of the schema."""
    if run_id in ("", NO_RUN):
        reason = "made outside of a job, by hand: no run tells who did it, when, and from which branch"
        _add_code(tracing, sight, commit, None, of, tracing.gap(Kind.JOB_RUN, into, "job run", reason, relation))
        return
    found = look(lambda: sight.client.jobs.get_run(int(run_id)))
    id = f"job-run:{run_id}"
    known = id in tracing
    if isinstance(found, Missing):
        reason = f"{found.reason} (Databricks keeps runs for 60 days)"
        node = Node(id=id, kind=Kind.JOB_RUN, title=run_id, state=State.GAP, reason=reason)
    else:
        node = Node(id=id, kind=Kind.JOB_RUN, title=f"{found.run_name or ''} {run_id}".strip(), facts=_run_facts(found))
    tracing.add(node, into=into, relation=relation)
    executed = None if isinstance(found, Missing) else _executed(found)
    if commit and executed and commit != executed:
        told = f"the result names commit {commit[:_SHORT]}, the run executed {executed[:_SHORT]}"
        tracing.gap(Kind.COMMIT, into, commit[:_SHORT], told, "is said to have made")
    if not known:
        began = None if isinstance(found, Missing) else moment(found.start_time)
        _add_code(tracing, sight, executed or commit, began, of, id)


def commit_id(commit: str) -> str:
    """Id of a commit's node."""
    return f"commit:{commit}"


def _add_code(tracing: Tracing, sight: Sight, commit: str | None, began: str | None, of: str, into: str) -> None:
    """The commit that a run executed, and how it came there; `began` is when the run did, if that is known."""
    if not commit:
        tracing.gap(Kind.COMMIT, into, "commit", "the run does not say which commit it executed", "was executed by")
        return
    _add_commit(tracing, sight, commit, into)
    deployment = _add_deployment(tracing, sight, commit, began, of, into)
    _add_pull_request(tracing, sight, commit, deployment)


def _add_commit(tracing: Tracing, sight: Sight, commit: str, into: str) -> None:
    id, relation = commit_id(commit), "was executed by"
    if id in tracing:
        tracing.link(id, into, relation)
        return
    title = commit[:_SHORT]
    if commit.endswith(UNCOMMITTED):
        reason = "the code had changes that were not committed: nobody can tell what ran"
        tracing.add(Node(id=id, kind=Kind.COMMIT, title=f"{title}…", state=State.GAP, reason=reason))
    elif find_commit(sight.clone, commit) is None:
        reason = "the commit is not in this clone: fetch it (git fetch --all --tags), or its history was rewritten"
        tracing.add(Node(id=id, kind=Kind.COMMIT, title=title, state=State.GAP, reason=reason))
    else:
        tracing.add(Node(id=id, kind=Kind.COMMIT, title=title, facts=_commit_facts(sight, commit)))
    tracing.link(id, into, relation)


def _add_pull_request(tracing: Tracing, sight: Sight, commit: str, deployment: Deployment | None) -> None:
    id = commit_id(commit)
    number = deployment.pull_request if deployment else None
    if number is None and find_commit(sight.clone, commit) is not None:
        number = pull_request_of(sight.clone, commit)
    if number is None:
        reason = "neither a merge commit of this clone nor a deployment's record names one: it was pushed directly"
        tracing.gap(Kind.PULL_REQUEST, id, "pull request", reason, "brought")
        return
    node = Node(id=f"pull-request:{number}", kind=Kind.PULL_REQUEST, title=f"#{number}")
    tracing.add(node, into=id, relation="brought")


def _add_deployment(
    tracing: Tracing, sight: Sight, commit: str, began: str | None, of: str, into: str
) -> Deployment | None:
    """The deployment that brought a commit, and its plan."""
    found = _deployment(sight, commit, began, of)
    if isinstance(found, Missing):
        tracing.gap(Kind.DEPLOYMENT, into, "deployment", f"{found.reason}; so no plan is known", "deployed")
        return None
    deployment = Node(
        id=f"deployment:{found.environment}/{found.id}",
        kind=Kind.DEPLOYMENT,
        title=found.id,
        facts=_deployment_facts(found),
    )
    id = tracing.add(deployment, into=into, relation="deployed")
    plan = Node(
        id=f"plan:{found.plan_digest}",
        kind=Kind.PLAN,
        title=found.plan_digest[:_SHORT],
        facts=facts(
            [
                ("approved by", found.approved_by or "nobody that the record names"),
                ("author", found.author),
                ("changes", _changes(found)),
                ("digest", found.plan_digest),
            ]
        ),
    )
    tracing.add(plan, into=id, relation="was applied as")
    tracing.link(commit_id(commit), plan.id, "was planned as")
    return found


def _deployment(sight: Sight, commit: str, began: str | None, of: str) -> Deployment | Missing:
    """The newest deployment of that commit that had begun when the run did."""
    settings = sight.settings_of(of)
    if settings is None:
        return Missing(f"{of} is of none of the project's environments, so its deployments are not known")

    def read() -> list[Deployment] | Missing:
        try:
            return Deployments(sight.client, settings).all()
        except Trouble as error:
            return Missing(str(error))

    recorded = look(read)
    if isinstance(recorded, Missing):
        return recorded
    before = [each for each in recorded if began is None or each.started_at <= began]
    of_commit = [each for each in before if each.commit == commit]
    if of_commit:
        return of_commit[-1]
    if not before:
        return Missing(
            f"no deployment of {settings.environment} was recorded before the run: "
            "it was deployed by other means than 'branchline apply'"
        )
    last = before[-1]
    return Missing(
        f"the run executed {commit[:_SHORT]} of branch {settings.branch}, which no deployment of "
        f"{settings.environment} brought; the last before it was {last.id}"
    )


def _run_facts(run: Run) -> dict[str, str]:
    given = {each.name: each.value or each.default for each in run.job_parameters or [] if each.name}
    source = run.git_source
    return facts(
        [
            ("started", moment(run.start_time)),
            ("ended", moment(run.end_time) or "not yet"),
            ("result", _result(run)),
            ("started by", f"{run.creator_user_name or '?'} ({run.trigger.value.lower() if run.trigger else '?'})"),
            ("branch", (source.git_branch or source.git_tag) if source else None),
            ("parameters", ", ".join(f"{name} {value}" for name, value in sorted(given.items()))),
            ("page", run.run_page_url),
        ]
    )


def _result(run: Run) -> str:
    state = run.state
    if state is None:
        return ""
    shown = state.result_state or state.life_cycle_state
    return shown.value if shown else ""


def _executed(run: Run) -> str | None:
    snapshot = run.git_source.git_snapshot if run.git_source else None
    return (snapshot.used_commit if snapshot else None) or None


def _commit_facts(sight: Sight, commit: str) -> dict[str, str]:
    told = git(sight.clone, "show", "--no-patch", "--format=%an <%ae>%x00%aI%x00%s", commit)
    author, day, subject = told.split("\0")
    tags = git(sight.clone, "tag", "--points-at", commit).splitlines()
    return facts(
        [("message", subject), ("author", author), ("date", day), ("tags", ", ".join(tags)), ("commit", commit)]
    )


def _deployment_facts(deployment: Deployment) -> dict[str, str]:
    return facts(
        [
            ("environment", deployment.environment),
            ("state", deployment.state),
            ("release", deployment.tag),
            ("restores", deployment.release_of),
            ("deployed by", deployment.by),
            ("started", deployment.started_at),
            ("ended", deployment.ended_at),
            ("digest", deployment.digest),
            ("pipeline", deployment.pipeline_url),
        ]
    )


def _changes(deployment: Deployment) -> str:
    counted = [
        f"{stack.stack}: {len(stack.changes)}" if not stack.problem else f"{stack.stack}: {stack.problem}"
        for stack in deployment.changes
    ]
    return ", ".join(counted) or "none"
