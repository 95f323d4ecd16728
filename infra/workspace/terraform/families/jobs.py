"""Jobs (Jobs API 2.2)."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from infra.workspace.terraform.families.compute import sized
from infra.workspace.terraform.planning import State
from infra.workspace.terraform.resource import Mapper, Refused, Resource, elements, is_uuid, resource
from infra.workspace.terraform.session import Api, Json

JOBS = "/api/2.2/jobs"
NAMES = {
    "task": "tasks",
    "job_cluster": "job_clusters",
    "environment": "environments",
    "parameter": "parameters",
    "**.library": "libraries",
    "git_source.url": "git_url",
    "git_source.provider": "git_provider",
    "git_source.branch": "git_branch",
    "git_source.tag": "git_tag",
    "git_source.commit": "git_commit",
}
_LOCAL = frozenset(
    {
        "id",
        "url",
        "always_running",
        "control_run_state",
        "provider_config",
        "**.__apply_policy_default_values_allow_list",
    }
)
_OUTSIDE_TASKS = (
    "new_cluster", "existing_cluster_id", "notebook_task", "spark_jar_task", "spark_python_task", "spark_submit_task",
    "pipeline_task", "python_wheel_task", "dbt_task", "run_job_task", "library",
)  # fmt: skip
_GIT_PROVIDERS = {
    "github.com": "gitHub",
    "dev.azure.com": "azureDevOpsServices",
    "gitlab.com": "gitLab",
    "bitbucket.org": "bitbucketCloud",
}


def git_provider(url: str) -> str:
    """Databricks' name for the Git host of a URL; empty when the host does not tell."""
    host = urlsplit(url).hostname or ""
    return _GIT_PROVIDERS.get(host, "awsCodeCommit" if host.startswith("git-codecommit.") else "")


def get_job(api: Api, identifier: str) -> Json:
    """A job with all its tasks: more than a hundred arrive in pages."""
    job: Json = {}
    query: dict[str, Any] = {"job_id": identifier}
    while True:
        page = api.get(f"{JOBS}/get", query)
        if not job:
            job = page
        else:
            for name in ("tasks", "job_clusters"):
                job["settings"].setdefault(name, []).extend(page["settings"].get(name) or [])
        if not page.get("next_page_token"):
            return job
        query["page_token"] = page["next_page_token"]


def sort_settings(settings: Json) -> Json:
    """The settings in the real provider's order: tasks and dependencies by key, notifications by id."""
    tasks = sorted(settings.get("tasks") or [], key=_by("task_key"))
    for task in tasks:
        if task.get("depends_on"):
            task["depends_on"] = sorted(task["depends_on"], key=_by("task_key"))
    for holder in (settings, *tasks):
        for event, hooks in (holder.get("webhook_notifications") or {}).items():
            holder["webhook_notifications"][event] = sorted(hooks, key=_by("id"))
    return {**settings, "tasks": tasks} if tasks else settings


def _by(name: str) -> Callable[[Json], str]:
    return lambda each: str(each.get(name) or "")


@resource("databricks_job")
class Job(Resource):
    @property
    def mapper(self) -> Mapper:
        return Mapper(self.schema.block, NAMES, _LOCAL)

    def create(self, api: Api, new: State) -> str:
        return str(api.post(f"{JOBS}/create", self._settings(new))["job_id"])

    def _settings(self, state: State) -> Json:
        settings = sort_settings(self.mapper.body(state))
        for holder in (*settings.get("tasks", []), *settings.get("job_clusters", [])):
            if holder.get("new_cluster"):
                holder["new_cluster"] = sized(holder["new_cluster"])
        settings.setdefault("queue", {"enabled": False})
        source = settings.get("git_source")
        if source and not source.get("git_provider"):
            source["git_provider"] = git_provider(source["git_url"])
            if not source["git_provider"]:
                raise Refused(f"git_source.provider is missing and the URL {source['git_url']} does not tell it")
        return settings

    def read(self, api: Api, known: State) -> State | None:
        job = get_job(api, known["id"])
        settings = sort_settings(job["settings"])
        runs_as = job.get("run_as_user_name")
        if runs_as:
            settings["run_as"] = {"service_principal_name" if is_uuid(runs_as) else "user_name": runs_as}
        state = self.mapper.state(settings)
        return {**state, "url": f"{api.host}/#job/{known['id']}"}

    def existing(self, api: Api, new: State, since_ms: int) -> str | None:
        """Jobs may share a name: what is older than the creation is another's."""
        found = api.get(f"{JOBS}/list", {"name": new["name"]}).get("jobs") or []
        return next((str(job["job_id"]) for job in found if job["created_time"] >= since_ms), None)

    def update(self, api: Api, old: State, new: State) -> str | None:
        api.post(f"{JOBS}/reset", {"job_id": int(old["id"]), "new_settings": self._settings(new)})
        return None

    def delete(self, api: Api, old: State) -> None:
        api.post(f"{JOBS}/delete", {"job_id": int(old["id"])})

    def check(self, config: State) -> list[str]:
        problems = [
            f"databricks_job: {name} outside of a task block is not served by the local workspace"
            for name in _OUTSIDE_TASKS
            if config.get(name)
        ]
        for name in ("always_running", "control_run_state"):
            if config.get(name):
                problems.append(f"databricks_job: {name} is not served by the local workspace")
        for source in elements(config.get("git_source")):
            given = [name for name in ("branch", "tag", "commit") if source.get(name)]
            if len(given) > 1:
                problems.append(f"databricks_job: git_source takes only one of {', '.join(given)}")
        return problems
