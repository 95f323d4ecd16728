"""Runs: starting, queueing, cancelling, repairing and showing them."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Mapping
from typing import Any

from infra.workspace.gateway.errors import BadRequest, InvalidState, NotFound, PermissionDenied
from infra.workspace.identity.principal import Principal
from infra.workspace.jobs import logs
from infra.workspace.jobs import settings as job_settings
from infra.workspace.jobs.checkout import Repositories
from infra.workspace.jobs.execution import Execution
from infra.workspace.jobs.notifications import Notifications
from infra.workspace.jobs.paging import page_of
from infra.workspace.jobs.records import JobRun, RunRecords, TaskRun, latest
from infra.workspace.jobs.rendering import Rendering
from infra.workspace.jobs.requests import chosen_tasks, number, repair_entry, repaired_keys, run_parameters, with_values
from infra.workspace.jobs.services import JobServices, RunServices
from infra.workspace.jobs.states import CANCELED, PENDING, State, failed

_TYPE = "jobs"
_STOPPED = failed("The workspace was stopped while the run was active.", "INTERNAL_ERROR")
_MAX_QUEUED = 1000

Job = Mapping[str, Any]


class RunsService:
    """Runs of one workspace. `job` looks a job up by id."""

    def __init__(
        self, services: JobServices, notifications: Notifications, job: Callable[[object], dict[str, Any] | None]
    ) -> None:
        self._store = services.store
        self._records = RunRecords(services.store)
        self._clock = services.clock
        self._permissions = services.permissions
        self._identity = services.identity
        self._job = job
        self._notifications = notifications
        self._rendering = Rendering(services.config)
        self._lock = threading.RLock()
        self._executions: dict[int, Execution] = {}
        self._ended = threading.Condition()
        self._stopping = False
        self._services = RunServices(
            **vars(services),
            records=self._records,
            repositories=Repositories(services.config.repos),
            notifications=notifications,
            start_child=self._start_child,
            await_run=self.await_run,
            cancel_child=lambda run_id: self._cancel(run_id, CANCELED),
        )

    # calls of the API

    def run_now(self, principal: Principal, body: Mapping[str, Any]) -> dict[str, Any]:
        job = self._known_job(number(body, "job_id"))
        self._permissions.require(principal, _TYPE, str(job["job_id"]), "CAN_MANAGE_RUN")
        token = body.get("idempotency_token")
        repeated = self._repeated(f"{job['job_id']}/{token}" if token else None)
        if repeated is None:
            repeated = self._start_job_run(
                job, principal.name, "ONE_TIME", body, idempotency=f"{job['job_id']}/{token}" if token else None
            )
        return {"run_id": repeated.run_id, "number_in_job": repeated.number}

    def submit_run(self, principal: Principal, body: Mapping[str, Any]) -> dict[str, Any]:
        """A one-time run of tasks that belong to no job, as the caller or as whom it may run as."""
        settings = job_settings.read_submitted(body)
        self._notifications.require_known(settings)
        wanted = settings.pop("run_as", None) or {}
        name = wanted.get("service_principal_name") or wanted.get("user_name") or principal.name
        target = self._principal(str(name))
        if not self._identity.may_run_as(principal, target):
            raise PermissionDenied(f"{principal.name} may not run jobs as {name}.")
        token = body.get("idempotency_token")
        key = f"submit/{principal.name}/{token}" if token else None
        run = self._repeated(key)
        if run is None:
            run = self._create(0, settings, principal.name, target.name, "ONE_TIME", {}, idempotency=key)
            self._launch(run, target)
        return {"run_id": run.run_id}

    def get_run(
        self, principal: Principal, run_id: int, include_history: bool = False, include_resolved: bool = False
    ) -> dict[str, Any]:
        """A job's run, or a task's run by its own id."""
        run, task = self._visible(principal, run_id, "CAN_VIEW")
        tasks = self._records.tasks(run.run_id)
        if task is None:
            return self._rendering.run(run, tasks, expand=True, history=include_history, resolved=include_resolved)
        return self._rendering.task_as_run(run, task, [item for item in tasks if item.parent_run_id == run_id])

    def list_runs(
        self,
        principal: Principal,
        job_id: int | None = None,
        active_only: bool = False,
        completed_only: bool = False,
        run_type: str | None = None,
        start_time_from: int | None = None,
        start_time_to: int | None = None,
        limit: int = 20,
        offset: int = 0,
        page_token: str | None = None,
        expand_tasks: bool = False,
    ) -> dict[str, Any]:
        """Runs that the principal may view, the latest first."""
        if active_only and completed_only:
            raise BadRequest("active_only and completed_only exclude each other.")
        active = True if active_only else False if completed_only else None
        visible = [
            run
            for run in self._records.runs(job_id, active)
            if (start_time_from is None or run.start_ms >= start_time_from)
            and (start_time_to is None or run.start_ms <= start_time_to)
            and (run_type is None or run_type == ("JOB_RUN" if run.job_id else "SUBMIT_RUN"))
            and self._allowed(principal, run, "CAN_VIEW")
        ]
        runs, paging = page_of(visible, limit, offset, page_token, largest=26)
        shown = [
            self._rendering.run(run, self._records.tasks(run.run_id) if expand_tasks else (), expand=expand_tasks)
            for run in runs
        ]
        return {"runs": shown, **paging}

    def cancel_run(self, principal: Principal, run_id: int) -> dict[str, Any]:
        run, _ = self._visible(principal, run_id, "CAN_MANAGE_RUN")
        self._cancel(run.run_id, CANCELED)
        return {}

    def cancel_all_runs(self, principal: Principal, body: Mapping[str, Any]) -> dict[str, Any]:
        job_id = body.get("job_id")
        if job_id is None and not body.get("all_queued_runs"):
            raise BadRequest("cancel-all needs job_id or all_queued_runs.")
        if job_id is not None:
            self._permissions.require(principal, _TYPE, str(job_id), "CAN_MANAGE_RUN")
        for run in self._records.runs(None if job_id is None else int(job_id), active=True):
            if body.get("all_queued_runs") and run.state.life != "QUEUED":
                continue
            if self._allowed(principal, run, "CAN_MANAGE_RUN"):
                self._cancel(run.run_id, CANCELED)
        return {}

    def repair_run(self, principal: Principal, body: Mapping[str, Any]) -> dict[str, Any]:
        """Runs failed tasks again, or those named, with all that depend on them; other results stay."""
        run, _ = self._visible(principal, number(body, "run_id"), "CAN_MANAGE_RUN")
        with self._lock:
            run = self._records.run(run.run_id) or run
            if not run.state.ended:
                raise InvalidState(f"Run {run.run_id} is still active; only ended runs can be repaired.")
            repairs = [item for item in run.repairs if item["type"] == "REPAIR"]
            if repairs and int(body.get("latest_repair_id") or 0) != repairs[-1]["id"]:
                raise BadRequest(f"latest_repair_id must be {repairs[-1]['id']}, the id of the run's last repair.")
            keys = repaired_keys(run, self._records.tasks(run.run_id), body)
            run_as = self._principal(run.run_as)
            repair_id = self._records.next_run_id()
            if not run.repairs:
                ids = [task.run_id for task in self._records.tasks(run.run_id) if task.iteration < 0]
                run.repairs.append(repair_entry("ORIGINAL", run.run_id, run, run.state, ids))
            if body.get("job_parameters"):
                run.parameters = with_values(run.parameters, body["job_parameters"])
            if body.get("python_params"):
                run.overriding = {**run.overriding, "python_params": list(body["python_params"])}
            run.state, run.end_ms = PENDING, 0
            execution = Execution(self._services, run, run_as, keys, repair_id)
            with self._store.write():
                execution.prepare()
                run.repairs.append(repair_entry("REPAIR", repair_id, run, PENDING, execution.task_run_ids()))
                run.repairs[-1]["start_time"] = self._clock.now_ms()
                self._records.save(run)
            self._begin(execution)
        return {"repair_id": repair_id}

    def get_run_output(self, principal: Principal, run_id: int) -> dict[str, Any]:
        run, task = self._visible(principal, run_id, "CAN_VIEW")
        if task is None:
            tasks = list(latest(self._records.tasks(run.run_id)).values())
            if len(tasks) != 1:
                raise BadRequest(
                    "Retrieving the output of runs with multiple tasks is not supported."
                    " Please retrieve the output of each individual task run instead."
                )
            task = tasks[0]
        text, truncated = logs.tail(self._services.log_path(run.run_id, task.run_id))
        output: dict[str, Any] = {
            "metadata": self._rendering.task_as_run(run, task),
            "logs": text,
            "logs_truncated": truncated,
        }
        if task.error:
            output["error"] = task.error
        if task.error_trace:
            output["error_trace"] = task.error_trace
        if task.child_run_id:
            output["run_job_output"] = {"run_id": task.child_run_id}
        return output

    def delete_run(self, principal: Principal, run_id: int) -> dict[str, Any]:
        run, _ = self._visible(principal, run_id, "CAN_MANAGE")
        if not run.state.ended:
            raise InvalidState(f"Run {run_id} is active: cancel it before it is deleted.")
        self._records.delete(run.run_id)
        shutil.rmtree(self._services.run_folder(run.run_id), ignore_errors=True)
        return {}

    def read_log(self, principal: Principal, run_id: int, offset: int) -> dict[str, Any]:
        """A task run's log from byte `offset` on; `complete` once nothing can follow."""
        run, task = self._visible(principal, run_id, "CAN_VIEW")
        if task is None:
            raise BadRequest(f"{run_id} is a job's run; logs belong to the runs of its tasks.")
        text, after = logs.read_from(self._services.log_path(run.run_id, task.run_id), offset)
        return {"text": text, "offset": after, "complete": task.state.ended and not text}

    # for this room and those that start runs

    def await_run(self, run_id: int, timeout: float | None) -> JobRun | None:
        """The run once it has ended; None if it has not after `timeout` seconds."""

        def has_ended() -> bool:
            run = self._records.run(run_id)
            return run is None or run.state.ended

        with self._ended:
            self._ended.wait_for(has_ended, timeout)
        run = self._records.run(run_id)
        return run if run is not None and run.state.ended else None

    def fire(self, job_id: int) -> None:
        """Starts the run of a schedule."""
        job = self._job(job_id)
        if job is not None:
            self._start_job_run(job, str(job["creator_user_name"]), "PERIODIC", {})

    def cancel_runs_of(self, job_id: int) -> None:
        for run in self._records.runs(job_id, active=True):
            self._cancel(run.run_id, CANCELED)

    def recover(self) -> None:
        """After a crash: runs that were active have failed, their tokens end; what was queued goes on."""
        for _, token in self._records.tokens():
            self._identity.revoke(token)
        now = self._clock.now_ms()
        for run in self._records.runs(active=True):
            if run.state.life == "QUEUED":
                continue
            with self._store.write():
                for task in self._records.tasks(run.run_id):
                    if not task.state.ended:
                        task.state, task.end_ms = _STOPPED, now
                        self._records.save_task(task)
                run.state, run.end_ms = _STOPPED, now
                self._records.save(run)
                self._records.drop_token(run.run_id)
                self._services.notify("on_failure", run, run.settings, state=_STOPPED)
            folder = self._services.run_folder(run.run_id)
            for name in ("checkout", "workspace", "home", "tmp", "tasks"):
                shutil.rmtree(folder / name, ignore_errors=True)
        for job_id in {run.job_id for run in self._records.runs(active=True)}:
            self._start_queued(job_id)

    def stop(self) -> None:
        """Ends active runs as failed; what is queued waits for the next start."""
        with self._lock:
            self._stopping = True
            active = list(self._executions.values())
        for execution in active:
            execution.stop(_STOPPED)
        for execution in active:
            execution.ended.wait(10)

    # how a run begins

    def _start_job_run(
        self,
        job: Job,
        creator: str,
        trigger: str,
        body: Mapping[str, Any],
        idempotency: str | None = None,
        parent: JobRun | None = None,
    ) -> JobRun:
        settings = dict(job["settings"])
        if not settings.get("tasks"):
            raise BadRequest(f"Job {job['job_id']} has no tasks.")
        parameters = run_parameters(settings, body)
        settings["tasks"] = chosen_tasks(settings["tasks"], body.get("only"))
        overriding = {"python_params": list(body["python_params"])} if body.get("python_params") else {}
        job_id = int(job["job_id"])
        with self._lock:
            full = self._records.count_active(job_id) >= int(settings["max_concurrent_runs"])
            queues = bool((body.get("queue") or settings.get("queue") or {}).get("enabled"))
            state = self._admission(job_id, full, queues)
            run = self._create(
                job_id,
                settings,
                creator,
                str(job["run_as_user_name"]),
                trigger,
                overriding,
                parameters=parameters,
                idempotency=idempotency,
                state=state,
                trigger_run_id=parent.run_id if parent else 0,
            )
            if state is PENDING:
                self._launch(run, self._principal(run.run_as))
        return run

    def _admission(self, job_id: int, full: bool, queues: bool) -> State:
        if not full:
            return PENDING
        if not queues:
            message = "The maximum number of concurrent runs of the job has been reached."
            return State("SKIPPED", "MAXIMUM_CONCURRENT_RUNS_REACHED", message)
        waiting = sum(run.state.life == "QUEUED" for run in self._records.runs(job_id, active=True))
        if waiting >= _MAX_QUEUED:
            return State("SKIPPED", None, f"{waiting} runs are queued already.", "MAX_JOB_QUEUE_SIZE_EXCEEDED")
        return State("QUEUED", message="Queued due to reaching maximum concurrent runs of the job.")

    def _create(
        self,
        job_id: int,
        settings: dict[str, Any],
        creator: str,
        run_as: str,
        trigger: str,
        overriding: dict[str, Any],
        *,
        parameters: list[dict[str, str]] | None = None,
        idempotency: str | None = None,
        state: State = PENDING,
        trigger_run_id: int = 0,
    ) -> JobRun:
        now = self._clock.now_ms()
        run = JobRun(
            run_id=self._records.next_run_id(),
            job_id=job_id,
            number=self._store.next_id(f"run-of-{job_id}"),
            settings=settings,
            creator=creator,
            run_as=run_as,
            trigger=trigger,
            start_ms=now,
            state=state,
            end_ms=now if state.ended else 0,
            parameters=parameters or [],
            overriding=overriding,
            trigger_run_id=trigger_run_id,
        )
        self._records.save(run, idempotency)
        return run

    def _launch(self, run: JobRun, run_as: Principal) -> None:
        keys = {str(task["task_key"]) for task in run.settings["tasks"]}
        execution = Execution(self._services, run, run_as, keys)
        with self._store.write():
            execution.prepare()
            self._records.save(run)
        self._begin(execution)

    def _begin(self, execution: Execution) -> None:
        with self._lock:
            self._executions[execution.run.run_id] = execution
        execution.start()
        threading.Thread(target=self._after, args=(execution,), daemon=True).start()

    def _after(self, execution: Execution) -> None:
        execution.ended.wait()
        with self._lock:
            if self._executions.get(execution.run.run_id) is execution:
                del self._executions[execution.run.run_id]
        with self._ended:
            self._ended.notify_all()
        if execution.run.job_id:
            self._start_queued(execution.run.job_id)

    def _start_queued(self, job_id: int) -> None:
        """Starts the runs of a job that have waited longest, as many as may run."""
        with self._lock:
            job = self._job(job_id)
            queued = [run for run in self._records.runs(job_id, active=True) if run.state.life == "QUEUED"]
            for run in reversed(queued):
                limit = int((job["settings"] if job else run.settings)["max_concurrent_runs"])
                if self._stopping or self._records.count_active(job_id) >= limit:
                    return
                run.state, run.queued_ms = PENDING, self._clock.now_ms() - run.start_ms
                self._launch(run, self._principal(run.run_as))

    def _cancel(self, run_id: int, state: State) -> None:
        with self._lock:
            execution = self._executions.get(run_id)
            run = self._records.run(run_id)
            if execution is None and run is not None and run.state.life == "QUEUED":
                run.state, run.end_ms = state, self._clock.now_ms()
                self._records.save(run)
                with self._ended:
                    self._ended.notify_all()
        if execution is not None:
            execution.stop(state)

    def _start_child(self, parent: JobRun, job_id: int, parameters: dict[str, Any]) -> int:
        job = self._known_job(job_id)
        principal = self._principal(parent.run_as)
        self._permissions.require(principal, _TYPE, str(job_id), "CAN_MANAGE_RUN")
        body = {"job_parameters": {name: str(value) for name, value in parameters.items()}}
        return self._start_job_run(job, principal.name, "RUN_JOB_TASK", body, parent=parent).run_id

    def _repeated(self, idempotency: str | None) -> JobRun | None:
        return None if idempotency is None else self._records.by_idempotency(idempotency)

    def _known_job(self, job_id: int) -> dict[str, Any]:
        job = self._job(job_id)
        if job is None:
            raise NotFound(f"Job {job_id} does not exist.")
        return job

    def _principal(self, name: str) -> Principal:
        try:
            return self._identity.find(name)
        except NotFound as error:
            raise BadRequest(f"run_as: there is no principal {name!r} in this workspace any more.") from error

    def _visible(self, principal: Principal, run_id: int, level: str) -> tuple[JobRun, TaskRun | None]:
        task = self._records.task_run(run_id)
        run = self._records.run(task.job_run_id if task else run_id)
        if run is None:
            raise NotFound(f"Run {run_id} does not exist.")
        if not self._allowed(principal, run, level):
            raise PermissionDenied(f"{principal.name} does not have {level} permission on run {run_id}.")
        return run, task

    def _allowed(self, principal: Principal, run: JobRun, level: str) -> bool:
        """Rights on a run are those on its job; a run without a job is its creator's."""
        if run.job_id and self._job(run.job_id) is not None:
            return self._permissions.allows(principal, _TYPE, str(run.job_id), level)
        return principal.admin or principal.name in (run.creator, run.run_as)
