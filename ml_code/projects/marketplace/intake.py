"""Step marketplace.intake: the requests of the pinned commit, checked again, and what passes put into the archive."""

from __future__ import annotations

import datetime
import json
import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml_code.platform import tables
from ml_code.platform.errors import StepError
from ml_code.platform.marketplace.archive.access import options_of
from ml_code.platform.marketplace.archive.archive import Archive
from ml_code.platform.marketplace.intake.check import check, refused_unseen
from ml_code.platform.marketplace.intake.deliver import Made, deliver, delivered, keep_report, report_path
from ml_code.platform.marketplace.intake.findings import Report
from ml_code.platform.marketplace.intake.policy import Policy, read_policy
from ml_code.platform.marketplace.intake.request import NamedRequest, read_requests
from ml_code.platform.marketplace.schema import INTAKES, INTAKES_COMMENT, INTAKES_TABLE

if TYPE_CHECKING:
    from ml_code.context import Context


def run(context: Context, *, archive: str, archive_secret: str, dry_run: bool, **_: Any) -> list[Report]:
    """Take in what is asked for and not yet there. Raises StepError where a request was refused or not to be fetched.

    The requests are those that were merged: their review is the approval to take the model in. What may use it then
    is approved like any other model's use.
    """
    policy, requests = read_policy(context.root), read_requests(context.root)
    store = Archive.open(archive, options_of(context, archive_secret), create=not dry_run)
    reports: list[Report] = []
    troubles: list[str] = []
    with nullcontext() if dry_run else store.lease("intake"):
        if not dry_run:
            tables.create_table(context.spark, context.table(INTAKES_TABLE), INTAKES, INTAKES_COMMENT)
        for named in requests:
            try:
                report = _take_in(context, named, policy, store, dry_run)
            except StepError as error:
                troubles.append(f"{named.name}: {error}")
                context.say(f"{named.name}: failed: {error}")
                continue
            if report is not None:
                reports.append(report)
                if report.verdict == "refused":
                    reasons = "; ".join(str(each) for each in report.findings if each.level == "refused")
                    troubles.append(f"{named.name}: refused: {reasons}")
    context.say(f"{len(requests)} requests, {len(reports)} checked, {len(troubles)} refused or failed")
    if troubles:
        raise StepError(f"{len(troubles)} of {len(requests)} requests were not taken in:\n" + "\n".join(troubles))
    return reports


def _take_in(context: Context, named: NamedRequest, policy: Policy, store: Archive, dry_run: bool) -> Report | None:
    """The report of a check; None where there was none to make."""
    if delivered(store, named) and not refused_unseen(named, policy):
        context.say(f"{named.name}: taken in already")
        return None
    if dry_run:
        context.say(f"{named.name}: would fetch {named.request.source.address} and check it")
        return None
    with tempfile.TemporaryDirectory(prefix="intake-") as work:
        checked = check(named, policy, Path(work), context.say)
        manifest = None
        if checked.folder is not None:
            made = Made(context.date, context.run_id, context.origin.commit)
            manifest = deliver(store, named, checked.report, checked.folder, made).path
    _write(context, checked.report, report_path(named))
    keep_report(store, named, checked.report, manifest)
    context.say(f"{named.name}: {checked.report.verdict}")
    return checked.report


def _write(context: Context, report: Report, path: str) -> None:
    import pyarrow as pa

    row = {
        "request": report.request,
        "source": report.source,
        "revision": report.revision,
        "licence": report.licence,
        "purpose": report.purpose,
        "owner": report.owner,
        "verdict": report.verdict,
        "reasons": json.dumps([str(each) for each in report.findings], ensure_ascii=False),
        "report": path,
        "content_sha256": report.content_sha256,
        "checked_at": datetime.datetime.fromisoformat(report.checked_at),
        "run_id": context.run_id,
    }
    rows = tables.from_arrow(context.spark, pa.Table.from_pylist([row]), INTAKES)
    tables.append(context.spark, context.table(INTAKES_TABLE), rows)
