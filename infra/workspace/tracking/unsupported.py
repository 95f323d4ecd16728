"""Families of MLflow's calls that the local workspace does not have, named in its refusals.

Every route of MLflow's server is in the table of rules, among the workspace's own calls, or here; a test holds it, so
that a new release of MLflow cannot open a door unseen.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

# What a family is, and the paths that belong to it, in the spelling of /api.
_FAMILIES: Mapping[str, tuple[str, ...]] = {
    "GraphQL other than by POST": ("/graphql",),
    "older and OpenTelemetry traces": (
        "/v1/traces",
        r"/api/2\.0/mlflow/traces",
        r"/api/2\.0/mlflow/traces/link-prompts",
        r"/api/2\.0/mlflow/traces/[^/]+(/info|/tags)?",
    ),
    "assessments and issues": (r"/api/3\.0/mlflow/traces/[^/]+/assessments.*", r"/api/3\.0/mlflow/issues.*"),
    "calls that MLflow names but does not have": (
        r"/api/2\.0/mlflow/unified-traces",
        r"/api/2\.0/mlflow/get-online-trace-details",
        r"/(ajax-)?api/2\.0mlflow/experiments/search-datasets",
    ),
    "presigned and multipart transfers": (
        r"/api/2\.0/mlflow/artifacts/presigned-(up|down)load-url",
        r"/api/2\.0/mlflow-artifacts/(mpu|presigned)/.*",
    ),
    "evaluation of generative AI": (
        r"/api/3\.0/mlflow/(datasets|label-schemas|review-queues|scorers?|genai|demo|prompt-optimization)/.*",
    ),
    "the AI gateway": (
        r"/api/3\.0/mlflow/gateway/.*",
        "/gateway/.*",
        r"/api/2\.0/mlflow/(gateway-proxy|runs/create-promptlab-run)",
    ),
    "the assistant and MCP servers": (r"/api/3\.0/mlflow/(assistant|mcp-servers)(/.*)?",),
    "MLflow's own background jobs": (r"/api/3\.0/(mlflow/)?jobs/.*",),
    "MLflow's own workspaces": (r"/api/3\.0/mlflow/workspaces(/.*)?",),
    "webhooks": (r"/api/2\.0/mlflow/webhooks(/.*)?",),
    "the pages' build folder": ("/build/.*",),
}


def family(path: str) -> str | None:
    """What a call belongs to, for its refusal; None for a path that MLflow does not have either."""
    for name, patterns in _FAMILIES.items():
        if any(re.fullmatch(pattern, path) for pattern in patterns):
            return name
    return None
