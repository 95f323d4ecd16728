"""Step marketplace.bring: approved models of the marketplace become models of this workspace."""

from __future__ import annotations

import datetime
from collections import Counter
from typing import TYPE_CHECKING, Any

from ml_code.context import NO_RUN
from ml_code.platform import tables
from ml_code.platform.errors import StepError
from ml_code.platform.marketplace.archive.access import options_of
from ml_code.platform.marketplace.archive.archive import Archive
from ml_code.platform.marketplace.consumers.bring import (
    FAILED,
    REFUSED,
    Consumer,
    Outcome,
    Report,
    Transfer,
    bring,
)
from ml_code.platform.marketplace.consumers.brought import read_brought
from ml_code.platform.marketplace.consumers.endpoints import DatabricksEndpoints, payload_table
from ml_code.platform.marketplace.consumers.uses import record_use
from ml_code.platform.marketplace.consumers.wanted import read_wanted
from ml_code.platform.marketplace.governance.apply import require_no_failure
from ml_code.platform.marketplace.governance.grants import grants_of
from ml_code.platform.marketplace.hub.bring import bring_version
from ml_code.platform.marketplace.manifest import Manifest
from ml_code.platform.marketplace.registry.reading import Registry
from ml_code.platform.marketplace.registry.registering import Models
from ml_code.platform.registry.versions import CHAMPION

if TYPE_CHECKING:
    from ml_code.context import Context

_PRODUCTION = "Production"


def run(
    context: Context,
    *,
    workspace: str,
    archive: str,
    archive_secret: str,
    registry: str,
    wanted: str,
    dry_run: bool,
    **_: Any,
) -> list[Outcome]:
    """Bring what is wanted and approved, grant it, and take the grants back where an approval has ended."""
    asked = read_wanted(wanted)
    store = Archive.open(archive, options_of(context, archive_secret))
    target = Registry.connect(registry=registry)
    place = f"{context.catalog}.{context.schema}" if target.kind == "unity_catalog" else None
    consumer = Consumer(workspace, str(context.workspace.current_user.me().user_name), place)
    grants = grants_of(context.workspace, registry)
    endpoints = DatabricksEndpoints(context.workspace)
    transfer = _transfer(store, target)
    report = bring(store, consumer, asked, grants, transfer, endpoints, context.date, dry_run=dry_run)
    _say(context, report, dry_run)
    if not dry_run and context.run_id != NO_RUN:
        _count_requests(context, store, consumer)
    _require_all(report)
    return list(report.outcomes)


def _say(context: Context, report: Report, dry_run: bool) -> None:
    for each in report.outcomes:
        version = f" version {each.hub_version}" if each.hub_version else ""
        context.say(f"{each.model}{version} as {each.name}: {each.status} {each.reason}".rstrip())
    for line in report.applied:
        context.say(f"{line.model}: {line.principal} {line.state} ({line.reason})")
    for served in report.served:
        context.say(f"{served.name}: {served.done or served.reason}")
    counted = Counter(each.status for each in report.outcomes)
    told = ", ".join(f"{number} {status}" for status, number in sorted(counted.items())) or "nothing is wanted"
    context.say(f"{'dry run: ' if dry_run else ''}{told}")


def _require_all(report: Report) -> None:
    """Raises StepError naming what was not brought, granted or served."""
    wrong = [f"{each.model}: {each.reason}" for each in report.outcomes if each.status in (REFUSED, FAILED)]
    if wrong:
        raise StepError("\n".join([f"{len(wrong)} of {len(report.outcomes)} wanted models were not brought:", *wrong]))
    require_no_failure(report.applied)
    unserved = [f"{each.name}: {each.reason}" for each in report.served if each.done is None]
    if unserved:
        raise StepError("\n".join(["brought and granted, but not served:", *unserved]))


def _count_requests(context: Context, archive: Archive, consumer: Consumer) -> None:
    """Yesterday's requests of the endpoints, from the tables that they keep them in; a day is counted once."""
    day = context.date - datetime.timedelta(days=1)
    for name, brought in read_brought(archive, consumer.workspace).items():
        table = payload_table(name)
        if not (brought.endpoint and consumer.place and tables.exists(context.spark, table)):
            continue
        condition = f"request_date = DATE'{day.isoformat()}' AND status_code = 200"
        if count := int(context.spark.table(table).where(condition).count()):
            record_use(
                archive,
                model=brought.model,
                version=brought.hub_version,
                workspace=consumer.workspace,
                kind="endpoint",
                principal=consumer.principal,
                count=count,
                once=f"{name} {day.isoformat()}",
            )


def _transfer(archive: Archive, registry: Registry) -> Transfer:
    """What is brought leads here: the alias champion, or the stage Production, points to it."""
    models = Models(registry)

    def transfer(manifest: Manifest, name: str) -> int:
        version = bring_version(archive, manifest, registry, name).version
        if registry.kind == "unity_catalog":
            if registry.model(name).aliases.get(CHAMPION) != version:
                models.set_alias(name, CHAMPION, version)
        elif registry.version(name, version).stage != _PRODUCTION:
            models.set_stage(name, version, _PRODUCTION)
        return version

    return transfer
