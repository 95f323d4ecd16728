"""A state that moved is forgotten by Terraform's working folder; one that did not is left alone."""

from __future__ import annotations

import json
from pathlib import Path

from infra.synth.workdirs import forget_moved_backends


def _stack(folder: Path, name: str, path: str, remembered: str | None) -> Path:
    stack = folder / "stacks" / name
    (stack / ".terraform").mkdir(parents=True)
    (stack / "cdk.tf.json").write_text(json.dumps({"terraform": {"backend": {"local": {"path": path}}}}))
    note = stack / ".terraform/terraform.tfstate"
    if remembered is not None:
        backend = {"type": "local", "config": {"path": remembered, "workspace_dir": None}}
        note.write_text(json.dumps({"version": 3, "backend": backend}))
    return note


def test_only_a_state_that_lies_elsewhere_is_forgotten(tmp_path: Path) -> None:
    moved = _stack(tmp_path, "dev", "state/dev.feature-x.tfstate", "state/dev.tfstate")
    same = _stack(tmp_path, "prod", "state/prod.tfstate", "state/prod.tfstate")
    _stack(tmp_path, "staging", "state/staging.tfstate", None)
    assert forget_moved_backends(tmp_path) == ["dev"]
    assert not moved.exists()
    assert same.exists()
