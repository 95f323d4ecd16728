"""`branchline gate` as a user runs it: in a clone, on what was planned there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ci.plan.files import plan_text
from ci.plan.make import describe
from ci.plan.model import Action, Change, Plan, StackPlan
from ci.terraform.synthesis import Synthesis, default_outdir, synthesize
from tests.support.clone import Clone

VARIABLES = {**os.environ, "BRANCH": "dev"}
LOST = Change(address="databricks_registered_model.model", type="databricks_registered_model", action=Action.DESTROY)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    return Clone(tmp_path_factory.mktemp("gate"))


@pytest.fixture(scope="module")
def synthesis(clone: Clone) -> Synthesis:
    """The stacks of prod, where `branchline plan` puts them."""
    return synthesize(["prod"], default_outdir(clone.path), root=clone.path, variables=VARIABLES)


def planned(clone: Clone, synthesis: Synthesis, *changes: Change) -> Plan:
    """What `branchline plan prod` would find, kept where it keeps it."""
    stacks = [
        StackPlan(
            stack=stack.name,
            environment=stack.environment,
            kind=stack.kind,
            stack_digest=stack.digest,
            changes=changes if stack.name == "prod" else (),
        )
        for stack in synthesis.of(["prod"])
    ]
    plan = describe(clone.path, stacks)
    folder = clone.path / ".branchline/evidence" / plan.commit
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plan.json").write_text(plan_text(plan))
    return plan


def gate(clone: Clone, *options: str) -> subprocess.CompletedProcess[str]:
    # The clone's own command: the installed one is that of the clone that the packages were installed from.
    command = [sys.executable, "-c", "from ci.main import main; main()", "gate", *options]
    return subprocess.run(command, cwd=clone.path, env=VARIABLES, capture_output=True, text=True, check=False)


def test_a_sound_plan_passes_and_its_report_is_kept(clone: Clone, synthesis: Synthesis, tmp_path: Path) -> None:
    plan = planned(clone, synthesis)
    files = {name: tmp_path / name for name in ("gate.sarif", "gate.json", "gate.md")}
    options = [
        part for name, path in files.items() for part in (f"--{path.suffix[1:]}".replace("md", "markdown"), str(path))
    ]
    done = gate(clone, "--for", "apply", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith(f"Gate for apply of {plan.commit[:8]}: passed")
    for name, path in files.items():
        kept = clone.path / ".branchline/evidence" / plan.commit / name
        assert kept.read_text() == path.read_text()
    assert json.loads(files["gate.json"].read_text())["passed"] is True


def test_a_destructive_plan_is_refused_with_its_own_exit_code(clone: Clone, synthesis: Synthesis) -> None:
    planned(clone, synthesis, LOST)
    done = gate(clone)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "prod/databricks_registered_model.model: would be destroyed" in done.stdout


def test_a_plan_that_was_changed_afterwards_is_not_judged(clone: Clone, synthesis: Synthesis) -> None:
    plan = planned(clone, synthesis, LOST)
    file = clone.path / ".branchline/evidence" / plan.commit / "plan.json"
    content = json.loads(file.read_text())
    for stack in content["plan"]["stacks"]:
        stack["changes"] = []
    file.write_text(json.dumps(content))
    done = gate(clone)
    assert done.returncode == 1
    assert "was changed after it was written (prod)" in done.stderr


def test_without_a_plan_it_says_what_to_run(clone: Clone, tmp_path: Path) -> None:
    done = gate(clone, "--plan", str(tmp_path / "none.json"))
    assert done.returncode == 1
    assert "'branchline plan' writes it" in done.stderr


def test_stacks_that_are_gone_are_synthesized_anew(clone: Clone, synthesis: Synthesis) -> None:
    planned(clone, synthesis)
    (default_outdir(clone.path) / "manifest.json").unlink()
    done = gate(clone)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "synthesizing them" in done.stderr
