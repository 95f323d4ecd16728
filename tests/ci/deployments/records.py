"""Deployment records as tests need them."""

from __future__ import annotations

from typing import Any

from ci.deployments.record import Deployment, deployed_digest


def record(**changed: Any) -> Deployment:
    """An applied deployment of dev, but for what is given."""
    values: dict[str, Any] = {
        "id": "20261120T110000Z-aaaaaaaa",
        "project": "hrob",
        "environment": "dev",
        "state": "applied",
        "commit": "a" * 40,
        "branch": "dev",
        "stacks": {"dev": "d"},
        "ml_code_digest": "m",
        "digest": deployed_digest({"dev": "d"}, "m"),
        "plan_digest": "p" * 64,
        "started_at": "2026-11-20T11:00:00Z",
        "by": "somebody",
    }
    return Deployment(**{**values, **changed})
