"""Export and import as the marketplace's steps do them, on servers of a test's own; a process when it is measured.

    python -m tests.support.marketplace_cycle export|import <tracking uri> <archive> <all|production>

The last line of its output is JSON.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections import Counter
from datetime import date
from typing import Any

from ml_code.platform.marketplace.archive.archive import Archive
from ml_code.platform.marketplace.export.choice import Versions
from ml_code.platform.marketplace.export.export import Order, export
from ml_code.platform.marketplace.export.pace import Pace
from ml_code.platform.marketplace.hub.choice import choose
from ml_code.platform.marketplace.hub.importing import Rules, import_versions
from ml_code.platform.marketplace.manifest import Origin
from ml_code.platform.marketplace.registry.reading import Registry

WORKSPACE = "east"
NAMING = "{workspace}__{model}"
DAY = date(2026, 1, 5)
CONCURRENCY = 8


def hub_name(model: str, workspace: str = WORKSPACE) -> str:
    """What NAMING makes of a workspace's model."""
    return NAMING.format(workspace=workspace, model=model)


def export_all(
    uri: str, archive_url: str, versions: Versions = "all", *, workspace: str = WORKSPACE, models: str = "*"
) -> dict[str, Any]:
    """How many versions had which status, the requests that it took, the bytes that it wrote."""
    registry = Registry.connect(uri, "workspace")
    archive = Archive.open(archive_url, create=True)
    order = Order(Origin(workspace, "1", uri, "workspace", ""), DAY, patterns=[models], versions=versions)
    report = export(registry, archive, order, Pace(CONCURRENCY))
    statuses = Counter(outcome.status for outcome in report.outcomes)
    reasons = {outcome.reason for outcome in report.outcomes if outcome.status == "failed"}
    assert not reasons, reasons
    assert not report.unmarked, report.unmarked
    return {"statuses": statuses, "requests": registry.rest.requests, "bytes_written": archive.bytes_written}


def import_all(uri: str, archive_url: str, *, workspace: str = WORKSPACE) -> dict[str, Any]:
    """How many versions had which status, and the requests that it took."""
    registry = Registry.connect(uri, "workspace")
    archive = Archive.open(archive_url)
    chosen = choose(archive, [workspace], DAY, DAY)
    done = import_versions(archive, registry, chosen, Rules(NAMING, None, CONCURRENCY))
    reasons = {each.reason for each in done if each.status not in ("imported", "skipped")}
    assert not reasons, reasons
    return {"statuses": Counter(each.status for each in done), "requests": registry.rest.requests}


def main() -> None:
    what, uri, archive, versions = sys.argv[1:]
    started = time.perf_counter()
    told = export_all(uri, archive, versions) if what == "export" else import_all(uri, archive)  # type: ignore[arg-type]
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    print(json.dumps({"seconds": seconds, "peak_gb": round(peak, 3), **told}))


if __name__ == "__main__":
    main()
