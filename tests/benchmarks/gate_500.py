"""The gate over one stack with 500 jobs, their access lists and a plan that creates them all, as `branchline gate`.

The peer is the plain `checkov` command with the same checks on the same folder: it reads the stack only, no plan,
no exceptions, and writes no report. Both run with their modules compiled already. Besides: the peak memory of both,
and the milliseconds that one more job adds to ours, from 10 to 500.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ci.plan.files import plan_text
from ci.plan.make import describe
from ci.plan.model import StackPlan
from ci.plan.read import read_changes
from ci.terraform.synthesis import read_synthesis
from tests.benchmarks.harness import Row, alternate, compared, compiled
from tests.support.clone import Clone

_JOBS = 500
_FEW = 10


@dataclass
class _Side:
    """A command and the peak memory of its last run, in GB."""

    command: list[str]
    clone: Path
    environment: Mapping[str, str]
    peak: float = 0.0

    def run(self) -> float:
        started = time.perf_counter()
        process = subprocess.Popen(
            self.command,
            cwd=self.clone,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _, status, usage = os.wait4(process.pid, 0)
        took = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise AssertionError(f"{' '.join(self.command)} ended with {process.returncode}")
        self.peak = usage.ru_maxrss / 2**20
        return took


def measure() -> Row:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clone = Clone(folder).path
        environment = {**compiled(folder / "bytecode"), "BRANCH": "dev", "LOG_LEVEL": "ERROR"}
        ours = _ours(clone, folder, _JOBS, environment)
        peer = _peer(clone, folder / str(_JOBS), environment)
        few = _ours(clone, folder, _FEW, environment)
        for side in (ours, peer, few):
            side.run()
        mine, theirs = alternate(ours.run, peer.run)
        growth = (statistics.median(mine) - statistics.median(few.run() for _ in range(3))) / (_JOBS - _FEW)
    return compared(
        "gate-500", "s", mine, theirs,
        peak_gb=round(ours.peak, 3), peer_peak_gb=round(peer.peak, 3), milliseconds_per_job=round(growth * 1000, 2),
    )  # fmt: skip


def _ours(clone: Path, folder: Path, jobs: int, environment: Mapping[str, str]) -> _Side:
    stacks = folder / str(jobs)
    many = [sys.executable, "-O", "-m", "tests.benchmarks.many_jobs", str(jobs), str(stacks)]
    subprocess.run(many, cwd=clone, env=environment, check=True, capture_output=True)
    plan = folder / f"{jobs}.json"
    plan.write_text(_plan_of_all(clone, stacks))
    # The clone's own command: the installed one belongs to the clone that the packages were installed from.
    command = [sys.executable, "-c", "from ci.main import main; main()", "gate"]
    return _Side([*command, "--plan", str(plan), "--stacks", str(stacks)], clone, environment)


def _peer(clone: Path, stacks: Path, environment: Mapping[str, str]) -> _Side:
    checks = ["--external-checks-dir", str(clone / "infra/policies/checks")]
    options = ["--framework", "terraform_json", "--skip-download", "--quiet", "--compact", *checks]
    return _Side([str(Path(sys.executable).with_name("checkov")), "-d", str(stacks), *options], clone, environment)


def _plan_of_all(clone: Path, stacks: Path) -> str:
    """A plan that creates every resource, as `branchline plan` would write it."""
    [stack] = read_synthesis(stacks).stacks.values()
    changes = [
        {"address": f"{kind}.{name}", "mode": "managed", "type": kind, "change": _created(values)}
        for kind, named in stack.content["resource"].items()
        for name, values in named.items()
    ]
    planned = StackPlan(
        stack=stack.name,
        environment=stack.environment,
        kind=stack.kind,
        stack_digest=stack.digest,
        changes=read_changes({"resource_changes": changes}),
    )
    return plan_text(describe(clone, [planned]))


def _created(values: Mapping[str, Any]) -> dict[str, Any]:
    after = json.loads(json.dumps({key: value for key, value in values.items() if key != "//"}))
    return {"actions": ["create"], "before": None, "after": after}
