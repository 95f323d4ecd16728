"""The marketplace's jobs, as data: one daily export in every workspace, and what gathers and gives away in the hub."""

from collections.abc import Mapping

from infra.constructs.steps import Value
from infra.settings.marketplace import Batch, Hub, Runner, Wanted, WorkspaceEntry
from infra.settings.marketplace_settings import ENVIRONMENT, FOLDER, MarketplaceSettings, own_catalog
from infra.settings.parameters import as_json
from stacks.job_definition import JobDefinition, step

PAGES = "marketplace"
"""The folder of the pages, by which the workspace knows them."""


def hub_jobs(settings: MarketplaceSettings) -> list[JobDefinition]:
    """Import, intake of models from outside, approvals, and the catalogue's pages."""
    hub, size = settings.hub, settings.values.compute.size
    common = _common(settings, hub, hub.catalog, hub.schema_name)
    pages = {"folder": f"{FOLDER}/{PAGES}", "site": hub.site or "", "site_secret": hub.site_secret or ""}
    return [
        JobDefinition(
            name="marketplace-import",
            description="Brings the day's exported versions into the hub, verified, each once",
            size=size,
            tasks=[step("import", "marketplace.import")],
            parameters={
                **common,
                **_careful(hub),
                "since": "",
                "workspaces": "*",
                "naming": hub.naming,
            },
            quartz=hub.schedules.imports,
        ),
        JobDefinition(
            name="marketplace-intake",
            description="Checks the requests for models from outside; what passes goes into archive and hub",
            size=size,
            tasks=[step("intake", "marketplace.intake"), step("import", "marketplace.import", "intake")],
            parameters={**common, **_careful(hub), "workspaces": "open-source", "naming": hub.naming},
            quartz=hub.schedules.intake,
        ),
        JobDefinition(
            name="marketplace-approve",
            description="Grants the hub's models as the approvals say, and takes back what has ended",
            size=size,
            tasks=[step("approve", "marketplace.approve")],
            parameters={**common, "dry_run": False},
            quartz=hub.schedules.approvals,
        ),
        JobDefinition(
            name="marketplace-catalogue",
            description="Counts uses and writes the marketplace's pages",
            size=size,
            tasks=[step("catalogue", "marketplace.catalogue")],
            parameters={**common, **pages},
            quartz=hub.schedules.catalogue,
        ),
    ]


def workspace_jobs(settings: MarketplaceSettings, source: WorkspaceEntry) -> list[JobDefinition]:
    """The export; where models are wanted, what brings them, and a job for each that scores a table."""
    size = settings.values.compute.size
    common = {**_common(settings, source, own_catalog(source), source.schema_name), "workspace": source.name}
    export = JobDefinition(
        name="marketplace-export",
        description="Puts the latest production version of each model into the marketplace's archive, once",
        size=size,
        tasks=[step("export", "marketplace.export")],
        parameters={**common, **_careful(source), "models": source.models},
        quartz=source.schedule,
    )
    if not source.wanted:
        return [export]
    bring = JobDefinition(
        name="marketplace-bring",
        description="Brings the wanted models of the marketplace, as far as they are approved for this workspace",
        size=size,
        tasks=[step("bring", "marketplace.bring")],
        parameters={**common, "wanted": as_json([_told(each) for each in source.wanted]), "dry_run": False},
        quartz=source.bring_schedule,
    )
    return [export, bring, *(_score(settings, each, each.batch, common) for each in source.wanted if each.batch)]


def _score(settings: MarketplaceSettings, wanted: Wanted, batch: Batch, common: Mapping[str, Value]) -> JobDefinition:
    return JobDefinition(
        name=f"marketplace-score-{wanted.own_name}",
        description=f"Scores {batch.input} with {wanted.own_name} of the marketplace",
        size=settings.values.compute.size,
        tasks=[step("score", "marketplace.score")],
        parameters={
            **common,
            "model": wanted.model,
            "name": wanted.own_name,
            "input": batch.input,
            "output": batch.output,
        },
        quartz=batch.schedule,
    )


def _common(settings: MarketplaceSettings, runner: Runner, catalog: str, schema: str) -> dict[str, Value]:
    """What every step of the marketplace is told."""
    archive = settings.values.archive
    return {
        "environment": ENVIRONMENT,
        "catalog": catalog,
        "schema": schema,
        "date": "{{job.start_time.iso_date}}",
        "archive": archive.url,
        "archive_secret": archive.secret or "",
        "registry": runner.registry,
    }


def _careful(runner: Hub | WorkspaceEntry) -> dict[str, Value]:
    return {"concurrency": runner.concurrency, "dry_run": False}


def _told(wanted: Wanted) -> dict[str, Value | None]:
    told = {"model": wanted.model, "version": wanted.version, "name": wanted.own_name, "deploy": wanted.deploy}
    return {key: value for key, value in told.items() if value is not None}
