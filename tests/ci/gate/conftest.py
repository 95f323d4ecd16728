"""A small repository with the project's settings and sources, synthesized stacks, and plans of them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ci.gate import GateReport, Purpose, run_gate
from ci.plan.make import describe
from ci.plan.model import Action, Change, FieldChange, Plan, StackPlan
from ci.repository import ROOT, git
from ci.terraform.synthesis import read_synthesis
from tests.infra.policies.samples import HEALTHY, Sample

TODAY = date(2026, 11, 21)


class Repository:
    """Commits on main and release; `stacks` is its folder of synthesized stacks, outside of it."""

    def __init__(self, folder: Path) -> None:
        self.path, self.stacks = folder / "repository", folder / "stacks"
        for name in ("infra/settings", "stacks"):
            shutil.copytree(ROOT / name, self.path / name, ignore=shutil.ignore_patterns("__pycache__"))
        (self.path / "ml_code").mkdir()
        (self.path / "ml_code/run.py").write_text("")
        git(folder, "init", "--quiet", "--initial-branch", "main", str(self.path))
        self.base = self.commit("The project")
        git(self.path, "branch", "release")

    def commit(self, message: str, author: str = "author@example.com", **files: str) -> str:
        """Commits everything, and files by their paths with / written as __; returns the commit."""
        for name, text in files.items():
            path = self.path / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        git(self.path, "add", "--all")
        who = ["-c", f"user.email={author}", "-c", "user.name=A"]
        git(self.path, *who, "commit", "--quiet", "--allow-empty", "--message", message)
        return git(self.path, "rev-parse", "HEAD")

    def except_(self, author: str = "author@example.com", **values: str) -> str:
        """Commits one exception."""
        lines = "\n".join(f"    {key}: {value}" for key, value in values.items()).replace("    ", "  - ", 1)
        text = f"exceptions:\n{lines}\n" if values else "exceptions: []\n"
        return self.commit("An exception", author, **{"infra__policies__exceptions.yaml": text})

    def synthesize(self, *samples: Sample) -> None:
        """Writes stacks as cdktf does; several objects may share one."""
        contents: dict[str, dict[str, Any]] = {}
        for sample in samples:
            for block, kinds in sample.content().items():
                for kind, named in kinds.items():
                    contents.setdefault(sample.stack, {}).setdefault(block, {}).setdefault(kind, {}).update(named)
        manifest = {"stacks": {name: {"synthesizedStackPath": f"stacks/{name}/cdk.tf.json"} for name in contents}}
        for name, content in contents.items():
            (self.stacks / "stacks" / name).mkdir(parents=True, exist_ok=True)
            (self.stacks / "stacks" / name / "cdk.tf.json").write_text(json.dumps(content))
        (self.stacks / "manifest.json").write_text(json.dumps(manifest))

    def plan(self, changes: Mapping[str, tuple[Change, ...]] | None = None) -> Plan:
        """A plan of what is synthesized, with changes by stack."""
        stacks = read_synthesis(self.stacks).stacks.values()
        return describe(
            self.path,
            [
                StackPlan(
                    stack=stack.name,
                    environment=stack.environment,
                    kind=stack.kind,
                    stack_digest=stack.digest,
                    changes=(changes or {}).get(stack.name, ()),
                )
                for stack in stacks
            ],
        )

    def judge(self, plan: Plan | None = None, purpose: Purpose = Purpose.REVIEW, base: str | None = None) -> GateReport:
        return run_gate(plan or self.plan(), self.stacks, purpose, base, root=self.path, today=TODAY)


def lost(address: str, action: Action = Action.DESTROY) -> Change:
    """An object that goes."""
    field = FieldChange(path="name", before="risk")
    return Change(address=address, type=address.partition(".")[0], action=action, fields=(field,))


def rules(report: GateReport) -> list[str]:
    """The rules that refuse, in the report's order."""
    return [finding.rule for finding in report.refusals]


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    monkeypatch.setenv("BRANCH", "dev")
    made = Repository(tmp_path)
    made.synthesize(HEALTHY)
    return made
