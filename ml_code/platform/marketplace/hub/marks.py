"""Tags by which the hub tells where its models, versions and runs come from, and finds them again after a kill."""

from __future__ import annotations

import json

from ml_code.platform.marketplace.manifest import Manifest

WORKSPACE = "marketplace.workspace"
MODEL = "marketplace.model"
VERSION = "marketplace.version"
MANIFEST = "marketplace.manifest"
CONTENT = "marketplace.content"
ORIGIN = "marketplace.origin"
EXPORTED = "marketplace.exported"
RUN = "marketplace.run"
STATUS = "marketplace.status"
EXPERIMENT = "marketplace.experiment"
PARENT_RUN = "marketplace.parent_run"

_OURS = "marketplace."


def of_model(manifest: Manifest) -> dict[str, str]:
    """Of a registered model: the one place that it takes versions from."""
    return {WORKSPACE: manifest.origin.workspace, MODEL: manifest.version.model}


def of_version(manifest: Manifest, manifest_sha256: str) -> dict[str, str]:
    """Of a version and of its logged model: where it comes from and what it holds."""
    origin, version = manifest.origin, manifest.version
    facts = {
        "workspace_id": origin.workspace_id,
        "host": origin.host,
        "registry": origin.registry,
        "mlflow": origin.mlflow,
        "run_id": version.run_id,
        "model_id": version.model_id,
        "stage": version.stage,
        "created": version.created,
    }
    return {
        **of_model(manifest),
        VERSION: str(version.version),
        MANIFEST: manifest_sha256,
        CONTENT: manifest.content,
        ORIGIN: json.dumps({key: value for key, value in facts.items() if value}, sort_keys=True),
    }


def run_key(manifest: Manifest) -> str:
    """What tells a run of one workspace from all others; a version whose run is gone has one of its own."""
    run = manifest.run.run_id if manifest.run else f"none/{manifest.content}"
    return f"{manifest.origin.workspace}/{run}"


def without_ours(tags: dict[str, str]) -> dict[str, str]:
    """The origin's own tags: what a former journey through a marketplace left does not travel on."""
    return {key: value for key, value in tags.items() if not key.startswith(_OURS)}
