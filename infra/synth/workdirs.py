"""Terraform's working folders below the synthesized stacks, kept across syntheses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def forget_moved_backends(outdir: Path) -> list[str]:
    """Makes `terraform init` start anew in each stack whose state now lies elsewhere; returns those stacks' names.

    A copy of dev and the shared dev are one stack with two states. Terraform remembers the last backend in the working
    folder and would ask to migrate the one state into the other, which nobody ever wants here.
    """
    moved = []
    for synthesized in sorted(outdir.glob("stacks/*/cdk.tf.json")):
        remembered = synthesized.parent / ".terraform/terraform.tfstate"
        if remembered.exists() and not _same(json.loads(remembered.read_text()), json.loads(synthesized.read_text())):
            remembered.unlink()
            moved.append(synthesized.parent.name)
    return moved


def _same(remembered: dict[str, Any], synthesized: dict[str, Any]) -> bool:
    """Whether type and every value that the stack sets agree; Terraform adds nulls for the others."""
    backends = synthesized.get("terraform", {}).get("backend", {})
    known = remembered.get("backend") or {}
    config = known.get("config") or {}
    return all(
        kind == known.get("type") and all(config.get(key) == value for key, value in values.items())
        for kind, values in backends.items()
    )
