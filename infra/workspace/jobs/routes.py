"""Jobs API 2.1 and 2.2, notification destinations, and the local additions: logs as they grow, the outbox."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body

from infra.workspace.gateway.caller import Caller
from infra.workspace.gateway.errors import BadRequest, NotSupported
from infra.workspace.jobs.service import JobsService

Json = dict[str, Any]
JsonBody = Annotated[Json, Body()]


def routes(service: JobsService) -> APIRouter:
    router = APIRouter()
    for version in ("2.0", "2.1", "2.2"):
        _job_routes(router, service, f"/api/{version}/jobs", queued=version == "2.2")
        _run_routes(router, service, f"/api/{version}/jobs")
    _notification_routes(router, service)
    _local_routes(router, service)
    return router


def _job_routes(router: APIRouter, service: JobsService, prefix: str, queued: bool) -> None:
    @router.post(f"{prefix}/create")
    def create_job(principal: Caller, body: JsonBody) -> Json:
        return service.create_job(principal, body, queued)

    @router.get(f"{prefix}/get")
    def get_job(principal: Caller, job_id: int) -> Json:
        return service.get_job(principal, job_id)

    @router.get(f"{prefix}/list")
    def list_jobs(
        principal: Caller,
        name: str | None = None,
        limit: int = 20,
        offset: int = 0,
        page_token: str | None = None,
        expand_tasks: bool = False,
    ) -> Json:
        return service.list_jobs(principal, name, limit, offset, page_token, expand_tasks)

    @router.post(f"{prefix}/reset")
    def reset_job(principal: Caller, body: JsonBody) -> Json:
        return service.reset_job(principal, body, queued)

    @router.post(f"{prefix}/update")
    def update_job(principal: Caller, body: JsonBody) -> Json:
        return service.update_job(principal, body)

    @router.post(f"{prefix}/delete")
    def delete_job(principal: Caller, body: JsonBody) -> Json:
        return service.delete_job(principal, _number(body, "job_id"))


def _run_routes(router: APIRouter, service: JobsService, prefix: str) -> None:
    runs = service.runs

    @router.post(f"{prefix}/run-now")
    def run_now(principal: Caller, body: JsonBody) -> Json:
        return runs.run_now(principal, body)

    @router.post(f"{prefix}/runs/submit")
    def submit_run(principal: Caller, body: JsonBody) -> Json:
        return runs.submit_run(principal, body)

    @router.get(f"{prefix}/runs/get")
    def get_run(
        principal: Caller, run_id: int, include_history: bool = False, include_resolved_values: bool = False
    ) -> Json:
        return runs.get_run(principal, run_id, include_history, include_resolved_values)

    @router.get(f"{prefix}/runs/list")
    def list_runs(
        principal: Caller,
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
    ) -> Json:
        return runs.list_runs(
            principal,
            job_id,
            active_only,
            completed_only,
            run_type,
            start_time_from,
            start_time_to,
            limit,
            offset,
            page_token,
            expand_tasks,
        )

    @router.post(f"{prefix}/runs/cancel")
    def cancel_run(principal: Caller, body: JsonBody) -> Json:
        return runs.cancel_run(principal, _number(body, "run_id"))

    @router.post(f"{prefix}/runs/cancel-all")
    def cancel_all_runs(principal: Caller, body: JsonBody) -> Json:
        return runs.cancel_all_runs(principal, body)

    @router.post(f"{prefix}/runs/repair")
    def repair_run(principal: Caller, body: JsonBody) -> Json:
        return runs.repair_run(principal, body)

    @router.get(f"{prefix}/runs/get-output")
    def get_run_output(principal: Caller, run_id: int) -> Json:
        return runs.get_run_output(principal, run_id)

    @router.post(f"{prefix}/runs/delete")
    def delete_run(principal: Caller, body: JsonBody) -> Json:
        return runs.delete_run(principal, _number(body, "run_id"))

    @router.get(f"{prefix}/runs/export")
    def export_run(principal: Caller, run_id: int) -> None:
        raise NotSupported("the local workspace does not have jobs/runs/export: it runs no notebooks")


def _notification_routes(router: APIRouter, service: JobsService) -> None:
    destinations = service.notifications.destinations
    prefix = "/api/2.0/notification-destinations"

    @router.post(prefix)
    def create_destination(principal: Caller, body: JsonBody) -> Json:
        return destinations.create(principal, body)

    @router.get(prefix)
    def list_destinations(principal: Caller, page_size: int | None = None, page_token: str | None = None) -> Json:
        return destinations.list(principal, page_size, page_token)

    @router.get(prefix + "/{destination_id}")
    def get_destination(principal: Caller, destination_id: str) -> Json:
        return destinations.get(principal, destination_id)

    @router.patch(prefix + "/{destination_id}")
    def update_destination(principal: Caller, destination_id: str, body: JsonBody) -> Json:
        return destinations.update(principal, destination_id, body)

    @router.delete(prefix + "/{destination_id}")
    def delete_destination(principal: Caller, destination_id: str) -> Json:
        return destinations.delete(principal, destination_id)


def _local_routes(router: APIRouter, service: JobsService) -> None:
    @router.get("/api/2.0/local/runs/{run_id}/log")
    def read_log(principal: Caller, run_id: int, offset: int = 0) -> Json:
        return service.runs.read_log(principal, run_id, offset)

    @router.get("/api/2.0/local/outbox")
    def outbox(principal: Caller, job_id: int | None = None) -> Json:
        return service.outbox(principal, job_id)


def _number(body: Json, field: str) -> int:
    try:
        return int(body[field])
    except (KeyError, TypeError, ValueError) as error:
        raise BadRequest(f"{field} is missing or no number.") from error
