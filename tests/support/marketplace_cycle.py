"""Export and import as the marketplace's steps do them, on servers of a test's own; a process when it is measured.

    python -m tests.support.marketplace_cycle export|import <tracking uri> <archive> <all|production>

The last line of its output is JSON.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

# Loaded before anything is measured or killed, as the peer's process loads them; ours asks for them when it needs them.
import deltalake  # noqa: F401
import mlflow.sklearn
import mlflow.store.artifact.artifact_repository_registry  # noqa: F401

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
    started, worked = time.perf_counter(), time.process_time()
    told = export_all(uri, archive, versions) if what == "export" else import_all(uri, archive)  # type: ignore[arg-type]
    took = {"seconds": time.perf_counter() - started, "cpu_seconds": time.process_time() - worked}
    print(json.dumps({**took, "peak_gb": round(_peak_gb(), 3), **told}))


def _peak_gb() -> float:
    # Not getrusage: that begins with the peak of the process that started this one.
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) * 1024 / 1e9 if found else 0.0


if __name__ == "__main__":
    main()
