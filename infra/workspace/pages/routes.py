"""The pages' addresses; each shows what the caller may see through the same services as the REST API."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from infra.workspace.catalog.service import CatalogService
from infra.workspace.gateway.caller import Caller
from infra.workspace.identity.principal import Principal
from infra.workspace.identity.service import IdentityService
from infra.workspace.jobs.service import JobsService
from infra.workspace.pages.catalog import detail, tree
from infra.workspace.pages.dag import draw
from infra.workspace.pages.overview import Overview
from infra.workspace.pages.templates import page
from infra.workspace.pages.words import Words, state_of

_MANY = 100
_RECENT = 10


def routes(jobs: JobsService, catalog: CatalogService, identity: IdentityService, overview: Overview) -> APIRouter:
    """The pages; they name service principals by their display names, as people know them."""
    router = APIRouter(default_response_class=HTMLResponse)
    words = Words(identity)
    _job_pages(router, jobs, words)
    _run_pages(router, jobs, words)
    _catalog_pages(router, catalog, words)

    @router.get("/")
    def home(principal: Caller) -> HTMLResponse:
        listed, runs = _jobs(jobs, principal), _runs(jobs, principal, limit=_RECENT)
        active = jobs.runs.list_runs(principal, active_only=True).get("runs", [])
        counts = {"jobs": len(listed), "active": len(active), **tree(catalog, principal).counts}
        return page(
            "home.html",
            principal=principal,
            jobs=listed,
            runs=runs,
            counts=counts,
            reports=overview.reports(principal),
            marketplaces=overview.marketplaces(principal),
            dashboards=overview.dashboards(principal),
            monitors=overview.monitors(principal),
            alerts=overview.alerts(principal),
            words=words,
        )

    @router.get("/outbox")
    def outbox(principal: Caller) -> HTMLResponse:
        messages = list(reversed(jobs.outbox(principal)["notifications"]))
        return page("outbox.html", principal=principal, messages=messages, words=words)

    return router


def _job_pages(router: APIRouter, jobs: JobsService, words: Words) -> None:
    @router.get("/jobs")
    def list_jobs(principal: Caller) -> HTMLResponse:
        return page("jobs.html", principal=principal, jobs=_jobs(jobs, principal), words=words)

    @router.get("/jobs/{job_id}")
    def get_job(principal: Caller, job_id: int) -> HTMLResponse:
        job = jobs.get_job(principal, job_id)
        runs = _runs(jobs, principal, job_id=job_id)
        dag = draw(job["settings"].get("tasks", []), {})
        return page("job.html", principal=principal, job=job, runs=runs, dag=dag, words=words)


def _run_pages(router: APIRouter, jobs: JobsService, words: Words) -> None:
    @router.get("/runs")
    def list_runs(principal: Caller) -> HTMLResponse:
        return page("runs.html", principal=principal, runs=_runs(jobs, principal), words=words)

    @router.get("/runs/{run_id}")
    def get_run(principal: Caller, run_id: int, task: int | None = None) -> HTMLResponse:
        run = jobs.runs.get_run(principal, run_id, True, True)
        tasks = sorted(run.get("tasks", []), key=lambda each: (each["start_time"] or math.inf, each["task_key"]))
        dag = draw(tasks, {each["task_key"]: state_of(each) for each in tasks})
        shown = task or _most_telling(tasks)
        output = jobs.runs.get_run_output(principal, shown) if shown else {}
        return page(
            "run.html", principal=principal, run=run, tasks=tasks, dag=dag, shown=shown, output=output, words=words
        )


def _catalog_pages(router: APIRouter, catalog: CatalogService, words: Words) -> None:
    @router.get("/catalog")
    def list_catalogs(principal: Caller) -> HTMLResponse:
        return page("catalog.html", principal=principal, catalogs=tree(catalog, principal).catalogs)

    @router.get("/catalog/{kind}/{full_name}")
    def get_object(principal: Caller, kind: str, full_name: str) -> HTMLResponse:
        found = detail(catalog, principal, kind, full_name)
        return page("object.html", principal=principal, kind=kind, name=full_name, found=found, words=words)


def _jobs(jobs: JobsService, principal: Principal) -> list[dict[str, Any]]:
    """All jobs with their last runs, by name."""
    listed = jobs.list_jobs(principal, None, _MANY, 0, None, False).get("jobs", [])
    for job in listed:
        job["last"] = next(iter(_runs(jobs, principal, job_id=job["job_id"], limit=1)), None)
    return sorted(listed, key=lambda job: str(job["settings"].get("name", "")))


def _runs(jobs: JobsService, principal: Principal, job_id: int | None = None, limit: int = 25) -> list[dict[str, Any]]:
    runs: list[dict[str, Any]] = jobs.runs.list_runs(principal, job_id=job_id, limit=limit).get("runs", [])
    return runs


def _most_telling(tasks: list[Mapping[str, Any]]) -> int | None:
    """The first task that failed, else one that is running, else the last one."""
    for states in ({"FAILED", "TIMEDOUT", "INTERNAL_ERROR"}, {"RUNNING"}):
        for task in tasks:
            if state_of(task) in states:
                return int(task["run_id"])
    return int(tasks[-1]["run_id"]) if tasks else None
