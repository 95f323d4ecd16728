"""Whether an environment differs from what was deployed to it: looked at now, or as the last report says."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from ci.deployments.record import Deployment, utc
from ci.drift.look import look_for_drift
from ci.drift.report import DriftReport, EnvironmentDrift
from ci.release.status import DriftKnown
from ci.repository import ROOT
from infra.settings import Settings

_REPORT = "drift.json"
_ONE_AT_A_TIME = threading.Lock()
"""Environments are asked side by side, and synthesized in one folder."""


def drift_now(settings: Settings, deployment: Deployment, root: Path = ROOT) -> DriftKnown:
    """Plans the deployed commit against the live workspace, which takes a while."""
    with _ONE_AT_A_TIME:
        (found,) = look_for_drift([settings.environment], root=root).environments
    return _known(found, datetime.now(UTC))


def drift_reported(settings: Settings, deployment: Deployment, root: Path = ROOT) -> DriftKnown:
    """The newest report of this very deployment that `branchline drift` left in this clone."""
    for path in sorted((root / ".branchline" / "evidence").glob(f"*/{_REPORT}"), key=_written_at, reverse=True):
        try:
            report = DriftReport.model_validate_json(path.read_text(encoding="utf-8"))
        except ValidationError:
            continue  # another version's
        for found in report.environments:
            if found.environment == settings.environment and found.deployment == deployment.id:
                return _known(found, datetime.fromtimestamp(_written_at(path), UTC))
    return DriftKnown(drift="unknown", detail="no report of this deployment: look with --drift")


def _known(found: EnvironmentDrift, at: datetime) -> DriftKnown:
    drift = "unknown" if found.problem else "yes" if found.found else "no"
    return DriftKnown(drift=drift, at=utc(at), detail="" if drift == "no" else found.in_words)


def _written_at(path: Path) -> float:
    return path.stat().st_mtime
