"""Synthesized stacks, cut off from every cloud: a small app stands for the project's."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from ci.errors import Trouble
from ci.rehearsal.model import Commit
from ci.rehearsal.request import Request
from ci.rehearsal.stacks import JobToRun, Stacks, synthesize_side

_APP = """
import json, os, pathlib
out = pathlib.Path(os.environ["CDKTF_OUTDIR"])
stacks = json.loads(pathlib.Path("stacks.json").read_text())
for name, content in stacks.items():
    (out / "stacks" / name).mkdir(parents=True)
    (out / "stacks" / name / "cdk.tf.json").write_text(json.dumps(content))
paths = {name: {"synthesizedStackPath": f"stacks/{name}/cdk.tf.json"} for name in stacks}
(out / "manifest.json").write_text(json.dumps({"stacks": paths}))
"""
_AZURE = {"terraform": {"backend": {"azurerm": {"container_name": "state", "key": "staging.tfstate"}}}}


def _project() -> dict[str, Any]:
    return {
        **_AZURE,
        "import": [{"to": "databricks_job.training", "id": "4711"}],
        "data": {"databricks_service_principal": {"service_principal": {"display_name": "branchline-staging"}}},
        "resource": {
            "databricks_job": {
                "monitoring": {"name": "staging-hrob-monitoring"},
                "training": {"name": "staging-hrob-training", "parameter": [{"name": "date"}, {"name": "trials"}]},
                "landing": {"name": "staging-hrob-landing"},
                "monitor": {"name": "staging-hrob-monitor", "tags": {"quality_monitor": "staging_hrob_log"}},
            },
            "databricks_registered_model": {
                "model": {"catalog_name": "staging", "schema_name": "hrob", "name": "risk"},
            },
        },
    }


def _synthesize(tmp_path: Path, environments: tuple[str, ...] = ("dev", "staging"), **changes: Any) -> Stacks:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    stacks = {
        "dev-admin": {"terraform": {"backend": {"local": {"path": "../dev-admin.tfstate"}}}},
        "dev": {"terraform": {}},
        "staging-admin": {"terraform": {}, "resource": {"databricks_catalog": {"catalog": {"name": "staging"}}}},
        "staging": {**_project(), **changes},
    }
    (checkout / "stacks.json").write_text(json.dumps(stacks))
    (checkout / "app.py").write_text(_APP)
    (checkout / "cdktf.json").write_text(json.dumps({"app": f"{sys.executable} app.py"}))
    commit = Commit(sha="a" * 40, subject="x", revision="HEAD")
    request = Request(
        folder=tmp_path, environment="staging", environments=environments, branch="main", base=commit,
        change=commit, rehearsed=commit.sha, notes=(), day="2026-11-20", trials=None, keep=False, tools={},
    )  # fmt: skip
    return synthesize_side(request, "base", checkout, {})


def test_every_stack_keeps_its_state_in_the_rehearsals_folder(tmp_path: Path) -> None:
    stacks = _synthesize(tmp_path)
    for stack in stacks.all:
        written = json.loads((stack.folder / "cdk.tf.json").read_text())
        path = str(tmp_path / "state" / f"{stack.name}.tfstate")
        assert written["terraform"]["backend"] == {"local": {"path": path}}
        assert written == stack.content, "Terraform's runner and its folder agree"
    assert "staging: its state is kept in azurerm; the rehearsal's lay in a file of its own." in stacks.notes


def test_terraform_cloud_is_left_out(tmp_path: Path) -> None:
    stacks = _synthesize(tmp_path, terraform={"cloud": {"organization": "acme"}})
    assert "cloud" not in stacks.project.content["terraform"]
    assert any("kept in cloud" in note for note in stacks.notes)


def test_nothing_is_adopted(tmp_path: Path) -> None:
    stacks = _synthesize(tmp_path)
    assert "import" not in json.loads((stacks.project.folder / "cdk.tf.json").read_text())
    assert "staging: databricks_job.training would adopt 4711; here it was made anew." in stacks.notes


def test_the_administrators_stacks_come_before_the_project(tmp_path: Path) -> None:
    assert [stack.name for stack in _synthesize(tmp_path).all] == ["dev-admin", "staging-admin", "staging"]


def test_jobs_run_in_the_order_in_which_they_need_each_other(tmp_path: Path) -> None:
    assert _synthesize(tmp_path).jobs == (
        JobToRun("staging-hrob-landing", frozenset()),
        JobToRun("staging-hrob-training", frozenset({"date", "trials"})),
        JobToRun("staging-hrob-monitoring", frozenset()),
    )


def test_what_the_rehearsal_asks_of_the_stacks(tmp_path: Path) -> None:
    stacks = _synthesize(tmp_path)
    assert (stacks.principal, stacks.catalogs, stacks.models) == (
        "branchline-staging",
        ("staging",),
        ("staging.hrob.risk",),
    )


def test_an_app_that_leaves_an_environment_out_is_told(tmp_path: Path) -> None:
    with pytest.raises(Trouble, match="not synthesized: prod"):
        _synthesize(tmp_path, environments=("prod", "staging"))
