"""What follows the stacks: which hooks are due and why, and running them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ci.apply.parts import CODE, Part
from ci.deployments.record import Deployment, HookResult
from ci.errors import Trouble
from ci.jobs.find import find_job, start_run
from ci.jobs.follow import Lines, follow
from ci.jobs.logs import failed_tasks, tail, task_log
from ci.jobs.states import state_of
from ci.repository import find_commit, is_ancestor
from infra.settings import Settings
from infra.settings.hooks import Hook, When

if TYPE_CHECKING:
    from pathlib import Path

    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.jobs import Run

Say = Callable[[str], None]

_LOG_LINES = 12


def hooks_due(
    hooks: Sequence[Hook], parts: Sequence[Part], last: Deployment | None, release_of: str | None
) -> tuple[HookResult, ...]:
    """Every hook of the settings, pending or skipped, each with the reason.

    A hook that was due after the last deployment and did not succeed is due still. In a rollback nothing is due for
    the ML code: the restored code's own model is put back, and training would replace it.
    """
    code = any(part.touched for part in parts if part.name == CODE) and release_of is None
    stacks = any(part.touched for part in parts if part.name != CODE)
    owed = {hook.name: hook.state for hook in last.due_hooks} if last and release_of is None else {}
    return tuple(_due(hook, code, stacks, owed.get(hook.name), release_of) for hook in hooks)


def _due(hook: Hook, code: bool, stacks: bool, owed: str | None, release_of: str | None) -> HookResult:
    changed = [name for name, is_changed in (("ml_code", code), ("a stack", stacks)) if is_changed]
    reasons = {
        When.ALWAYS: "after each deployment",
        When.CODE: "ml_code changed" if code else "",
        When.STACKS: "a stack changed" if stacks else "",
        When.CHANGE: f"{' and '.join(changed)} changed" if changed else "",
    }
    reason = reasons[hook.when] or (f"it {'failed' if owed == 'failed' else 'did not run'} last time" if owed else "")
    if reason:
        return HookResult(name=hook.name, kind=hook.kind, state="pending", reason=reason)
    because = f"rollback to {release_of}" if release_of and hook.when is not When.STACKS else "nothing changed for it"
    return HookResult(name=hook.name, kind=hook.kind, state="skipped", reason=f"when: {hook.when}; {because}")


class HookRunner:
    """Runs hooks in a workspace as the project's principal."""

    def __init__(self, client: WorkspaceClient, settings: Settings, commit: str, root: Path, say: Say) -> None:
        self._client = client
        self._settings = settings
        self._commit = commit
        self._root = root
        self._say = say

    def run(self, hook: Hook, result: HookResult, started: Callable[[HookResult], None]) -> HookResult:
        """Runs a hook to its end; `started` hears of the run as soon as it has an id.

        A run that an interrupted deployment started is followed, not started again.
        """
        from databricks.sdk.errors.base import DatabricksError

        try:
            if hook.run_job:
                return self._run_job(hook, result, started)
            message = self._sync_repo(hook) if hook.sync_repo else self._publish(str(hook.refresh_dashboard))
            return result.model_copy(update={"state": "succeeded", "message": message})
        except (DatabricksError, Trouble, OSError) as error:
            return result.model_copy(update={"state": "failed", "message": f"{type(error).__name__}: {error}"})

    def _run_job(self, hook: Hook, result: HookResult, started: Callable[[HookResult], None]) -> HookResult:
        run_id = result.run_id if result.state == "pending" else None
        if run_id is None:
            job = find_job(self._client, self._settings.job_name(str(hook.run_job)))
            run_id = start_run(self._client, job, hook.parameters)
        result = result.model_copy(update={"run_id": run_id, "state": "pending", "message": ""})
        started(result)
        run = follow(self._client, run_id, Lines(lambda line: self._say(f"{hook.name}: {line}")))
        problem = self._problem_of(run)
        if problem:
            return result.model_copy(update={"state": "failed", "message": problem})
        return result.model_copy(update={"state": "succeeded", "message": f"run {run_id}{self._code_of(run)}"})

    def _problem_of(self, run: Run) -> str:
        """Why the run does not count: it did not succeed, or it ran older code than was deployed."""
        state = state_of(run)
        if not state.succeeded:
            lines = [f"run {run.run_id}: {state.word} {state.message}".rstrip()]
            for task in failed_tasks(run):
                lines += [f"task {task.task_key}:", tail(task_log(self._client, task), _LOG_LINES)]
            return "\n".join(lines)
        ran = _commit_of(run)
        if (
            ran
            and ran != self._commit
            and find_commit(self._root, ran)
            and not is_ancestor(self._root, self._commit, ran)
        ):
            return (
                f"run {run.run_id} succeeded with commit {ran[:12]}, which does not contain {self._commit[:12]}:"
                f" push {self._settings.branch}, then run this command again"
            )
        return ""

    def _code_of(self, run: Run) -> str:
        ran = _commit_of(run)
        return f", with the newer commit {ran[:12]} of {self._settings.branch}" if ran not in ("", self._commit) else ""

    def _sync_repo(self, hook: Hook) -> str:
        path = str(hook.sync_repo)
        found = next((repo for repo in self._client.repos.list(path_prefix=path) if repo.path == path), None)
        if found is None or found.id is None:
            raise Trouble(f"no git folder {path} that this principal manages: make it, or correct the hook")
        self._client.repos.update(found.id, branch=self._settings.branch)
        head = self._client.repos.get(found.id).head_commit_id or ""
        return f"{path} is at {head[:12]} of {self._settings.branch}"

    def _publish(self, dashboard: str) -> str:
        """Publishes a dashboard's draft with the credentials and the warehouse that it was published with."""
        from databricks.sdk.errors import NotFound

        by_name = [each for each in self._client.lakeview.list() if dashboard in (each.display_name, each.dashboard_id)]
        if len(by_name) != 1 or by_name[0].dashboard_id is None:
            count = "several dashboards are" if by_name else "no dashboard is"
            raise Trouble(f"{count} called {dashboard!r}: name one by its id")
        id = by_name[0].dashboard_id
        try:
            last = self._client.lakeview.get_published(id)
        except NotFound:
            self._client.lakeview.publish(id)
        else:  # said again: a publication without them would run the queries in the viewers' names
            self._client.lakeview.publish(id, embed_credentials=last.embed_credentials, warehouse_id=last.warehouse_id)
        return f"{by_name[0].display_name} is published"


def _commit_of(run: Run) -> str:
    """The commit that the run checked out; empty where it does not say."""
    source = run.git_source
    return (source.git_snapshot.used_commit or "") if source and source.git_snapshot else ""
