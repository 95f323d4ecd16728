"""`cdktf deploy` of one environment (dev-admin, then dev) and a plan that finds no change.

The peer is the same commands on the same stacks with a provider that does nothing (`noop_provider`), so what
is compared is the time that the workspace adds to cdktf and Terraform. Both sides have made one deploy before
the clock runs; before each round both are destroyed, off the clock.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.workspace import launch
from tests.benchmarks.harness import Row, alternate, at_most, seconds
from tests.support.clone import ROOT, Clone
from tests.support.deployment import QUIET, git_url

_GOAL = 1.3
_STACKS = ("dev-admin", "dev")


@dataclass
class _Side:
    """One of the two: a clone with its own state, deployed with these variables."""

    clone: Clone
    environment: Mapping[str, str]
    deploys: list[float]
    plans: list[float]

    def turn(self) -> float:
        """Seconds of deploy and plan together."""
        deployed = seconds(lambda: self._each("deploy"))
        planned = seconds(lambda: self._each("diff"))
        self.deploys.append(deployed)
        self.plans.append(planned)
        return deployed + planned

    def clear(self) -> None:
        for stack in reversed(_STACKS):
            self.clone.cdktf("destroy", stack, environment=self.environment)

    def _each(self, verb: str) -> None:
        for stack in _STACKS:
            output = self.clone.cdktf(verb, stack, environment=self.environment)
            if verb == "diff" and "No changes" not in output:
                raise AssertionError(f"the plan of {stack} after its deploy is not empty:\n{output}")


def measure() -> Row:
    with tempfile.TemporaryDirectory() as folder, _ours(Path(folder)) as ours, _peer(Path(folder)) as peer:
        for side in (ours, peer):
            side.turn()
        mine, theirs = alternate(lambda: _fresh(ours), lambda: _fresh(peer))
    return at_most(
        "deploy", _GOAL, "s", mine, theirs,
        deploy_seconds=_median(ours.deploys), peer_deploy_seconds=_median(peer.deploys),
        plan_seconds=_median(ours.plans), peer_plan_seconds=_median(peer.plans),
    )  # fmt: skip


def _fresh(side: _Side) -> float:
    side.clear()
    return side.turn()


def _median(values: list[float]) -> float:
    return round(statistics.median(values[1:]), 3)


@contextmanager
def _ours(folder: Path) -> Iterator[_Side]:
    clone = Clone(folder / "ours")
    running = launch.start(folder / "workspace", port=0, repos={git_url(): str(clone.remote)})
    try:
        yield _Side(clone, {**launch.environment(running), **QUIET, "BRANCH": "dev"}, [], [])
    finally:
        launch.stop(folder / "workspace")


@contextmanager
def _peer(folder: Path) -> Iterator[_Side]:
    clone = Clone(folder / "peer")
    command = [sys.executable, "-m", "tests.benchmarks.noop_provider"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as provider:
        assert provider.stdin is not None
        assert provider.stdout is not None
        variables = {
            "TF_REATTACH_PROVIDERS": provider.stdout.readline().strip(),
            "TF_VAR_databricks_host": "http://127.0.0.1:9",
            "TF_VAR_databricks_token": "none",
        }
        try:
            yield _Side(clone, {**variables, **QUIET, "BRANCH": "dev"}, [], [])
        finally:
            provider.stdin.close()
            provider.wait()
