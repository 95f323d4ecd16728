"""The jobs of a workspace: their definitions, and who may see, change and run them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.workspace.gateway.errors import ApiError, BadRequest, NotFound, PermissionDenied
from infra.workspace.identity.principal import Principal
from infra.workspace.jobs import settings as job_settings
from infra.workspace.jobs.notifications import Notifications
from infra.workspace.jobs.paging import page_of
from infra.workspace.jobs.runs import RunsService
from infra.workspace.jobs.schedules import ScheduleLoop
from infra.workspace.jobs.services import JobServices
from infra.workspace.store.documents import Documents

_TYPE = "jobs"
_FIRST_JOB_ID = 101


class JobsService:
    """Jobs API; `runs` serves the calls about runs. `start` begins schedules and what waits in queues."""

    def __init__(self, services: JobServices) -> None:
        self._store = services.store
        self._clock = services.clock
        self._permissions = services.permissions
        self._identity = services.identity
        self._compute = services.compute
        self._jobs = Documents(self._store, "job")
        self._permissions.register_type(_TYPE, lambda job_id: self._jobs.get(job_id) is not None)
        self.notifications = Notifications(self._store, self._clock)
        self.runs = RunsService(services, self.notifications, self._jobs.get)
        self.schedules = ScheduleLoop(self._clock, self._scheduled, lambda job_id, moment: self.runs.fire(job_id))

    def start(self) -> None:
        """Ends what a crash left of runs, then begins to fire schedules and to run what is queued."""
        self.runs.recover()
        self.schedules.start()

    def stop(self) -> None:
        """Ends schedules and active runs."""
        self.schedules.stop()
        self.runs.stop()

    def create_job(self, principal: Principal, body: Mapping[str, Any], queued: bool = False) -> dict[str, Any]:
        """`queued`: whether queueing is on where the body does not say (it is from API 2.2 on)."""
        settings = job_settings.read_settings(body)
        if queued:
            settings.setdefault("queue", {"enabled": True})
        run_as = self._run_as(principal, settings, principal.name)
        self._check_references(principal, settings)
        with self._store.write():
            job_id = self._jobs.next_id(_FIRST_JOB_ID)
            self._jobs.put(
                job_id,
                {
                    "job_id": job_id,
                    "creator_user_name": principal.name,
                    "run_as_user_name": run_as,
                    "created_time": self._clock.now_ms(),
                    "settings": settings,
                },
            )
            self._permissions.grant_owner(_TYPE, str(job_id), principal)
            self._set_permissions(principal, job_id, body)
        self.schedules.changed()
        return {"job_id": job_id}

    def get_job(self, principal: Principal, job_id: int) -> dict[str, Any]:
        return self._visible(principal, job_id, "CAN_VIEW")

    def list_jobs(
        self,
        principal: Principal,
        name: str | None = None,
        limit: int = 20,
        offset: int = 0,
        page_token: str | None = None,
        expand_tasks: bool = False,
    ) -> dict[str, Any]:
        """Jobs that the principal may view, the latest first; `name` must match whole, in any case of letters."""
        visible = [
            job
            for job in reversed(self._jobs.all())
            if (name is None or str(job["settings"]["name"]).lower() == name.lower())
            and self._permissions.level(principal, _TYPE, str(job["job_id"])) is not None
        ]
        jobs, paging = page_of(visible, limit, offset, page_token, largest=100)
        return {"jobs": [job if expand_tasks else _brief(job) for job in jobs], **paging}

    def reset_job(self, principal: Principal, body: Mapping[str, Any], queued: bool = False) -> dict[str, Any]:
        """Replaces all settings; who the job runs as stays unless the new settings say so."""
        job = self._visible(principal, _job_id(body), "CAN_MANAGE")
        settings = job_settings.read_settings(body.get("new_settings"))
        if queued:
            settings.setdefault("queue", {"enabled": True})
        return self._change(principal, job, settings)

    def update_job(self, principal: Principal, body: Mapping[str, Any]) -> dict[str, Any]:
        job = self._visible(principal, _job_id(body), "CAN_MANAGE")
        removed = [str(field) for field in body.get("fields_to_remove") or []]
        settings = job_settings.merged(job["settings"], body.get("new_settings") or {}, removed)
        return self._change(principal, job, settings)

    def delete_job(self, principal: Principal, job_id: int) -> dict[str, Any]:
        """Deletes a job and cancels its active runs; records of runs stay until they are deleted."""
        self._visible(principal, job_id, "CAN_MANAGE")
        with self._store.write():
            self._jobs.delete(job_id)
            self._permissions.forget(_TYPE, str(job_id))
        self.runs.cancel_runs_of(job_id)
        self.schedules.changed()
        return {}

    def outbox(self, principal: Principal, job_id: int | None = None) -> dict[str, Any]:
        """Notifications of a job that the principal may view; of all jobs for admins."""
        if job_id is not None and self._jobs.get(job_id) is not None:
            self._permissions.require(principal, _TYPE, str(job_id), "CAN_VIEW")
        elif not principal.admin:
            raise PermissionDenied("Only workspace admins may read the notifications of all jobs.")
        return {"notifications": self.notifications.outbox(job_id)}

    def _change(self, principal: Principal, job: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
        run_as = self._run_as(principal, settings, str(job["run_as_user_name"]))
        self._check_references(principal, settings)
        self._jobs.put(job["job_id"], {**job, "settings": settings, "run_as_user_name": run_as})
        self.schedules.changed()
        return {}

    def _run_as(self, principal: Principal, settings: dict[str, Any], default: str) -> str:
        """Takes run_as out of the settings (it is write-only) and gives the name that it means."""
        wanted = settings.pop("run_as", None) or {}
        if wanted.get("group_name"):
            raise BadRequest("run_as: the local workspace runs jobs as users and service principals, not as groups.")
        names = [str(wanted[key]) for key in ("user_name", "service_principal_name") if wanted.get(key)]
        if len(names) > 1:
            raise BadRequest("run_as needs either user_name or service_principal_name, not both.")
        name = names[0] if names else default
        try:
            target = self._identity.find(name)
        except NotFound as error:
            raise BadRequest(f"run_as: there is no principal {name!r} in this workspace.") from error
        if not self._identity.may_run_as(principal, target):
            raise PermissionDenied(f"{principal.name} may not run jobs as {name}.")
        return target.name

    def _check_references(self, principal: Principal, settings: Mapping[str, Any]) -> None:
        self.notifications.require_known(settings)
        for task in settings.get("tasks", []):
            call = task.get("run_job_task")
            if call is not None and self._jobs.get(call.get("job_id")) is None:
                raise BadRequest(f"Task '{task['task_key']}' runs job {call.get('job_id')}, which does not exist.")
        specs = {str(item["job_cluster_key"]): item.get("new_cluster") for item in settings.get("job_clusters", [])}
        specs |= {f"task {task['task_key']}": task.get("new_cluster") for task in settings.get("tasks", [])}
        for key, spec in specs.items():
            if spec is None:
                continue
            try:
                self._compute.policies.enforce(principal, spec, "job")
            except ApiError as error:
                error.message = f"Cluster of {key}: {error.message}"
                error.args = (error.message,)
                raise

    def _set_permissions(self, principal: Principal, job_id: int, body: Mapping[str, Any]) -> None:
        if body.get("access_control_list"):
            self._permissions.update_permissions(principal, _TYPE, str(job_id), body)

    def _visible(self, principal: Principal, job_id: int, level: str) -> dict[str, Any]:
        job = self._jobs.get(job_id)
        if job is None:
            raise NotFound(f"Job {job_id} does not exist.")
        self._permissions.require(principal, _TYPE, str(job_id), level)
        return job

    def _scheduled(self) -> dict[int, Mapping[str, Any]]:
        return {
            int(job["job_id"]): job["settings"]["schedule"]
            for job in self._jobs.all()
            if job["settings"].get("schedule", {}).get("pause_status") == "UNPAUSED"
        }


def _job_id(body: Mapping[str, Any]) -> int:
    try:
        return int(body["job_id"])
    except (KeyError, TypeError, ValueError) as error:
        raise BadRequest("job_id is missing or no number.") from error


def _brief(job: Mapping[str, Any]) -> dict[str, Any]:
    hidden = ("tasks", "job_clusters", "environments", "parameters")
    return {**job, "settings": {key: value for key, value in job["settings"].items() if key not in hidden}}
