"""The training job through the workspace, from run-now to terminated; the peer calls the same steps in one
process.

Both work from nothing: each turn has a schema of its own in which the whole sample was landed, off the clock,
and the same parameters (the settings' own). The peer is a new Python process on a checkout of the same code
that calls ingest, features, train, validate and promote in turn (`steps_in_one_process`); it talks to the
same workspace, and the one Sail engine that it works on runs already. The job checks out its commit, starts
its own engine and gives each task a process.
"""

from __future__ import annotations

import itertools
import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.settings import load_settings
from infra.workspace import launch
from tests.benchmarks.harness import Row, alternate, at_most, seconds
from tests.support.clone import Clone, run
from tests.support.deployment import Deployment, git_url

_GOAL = 1.5
_DAY = "2026-12-31"
_UNITY = "/api/2.1/unity-catalog"
_PROGRAM = "tests.benchmarks.steps_in_one_process"
_ROOT = Path(__file__).parents[2]


def measure() -> Row:
    with tempfile.TemporaryDirectory() as folder:
        clone = Clone(Path(folder))
        running = launch.start(Path(folder) / "workspace", port=0, repos={git_url(): str(clone.remote)})
        try:
            bench = _Bench(Deployment(clone, running))
            bench.deployment.deploy_one("dev")
            for warm in (bench.job, bench.one_process):
                warm()
            mine, theirs = alternate(bench.job, bench.one_process)
        finally:
            launch.stop(Path(folder) / "workspace")
    return at_most("pipeline", _GOAL, "s", mine, theirs)


@dataclass
class _Bench:
    deployment: Deployment
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def job(self) -> float:
        parameters = self._place()
        return seconds(lambda: self._succeeds("dev-hrob-training", parameters))

    def one_process(self) -> float:
        parameters = self._place()
        root = str(self.deployment.clone.path)
        running = self.deployment.workspace
        engine = running.call("POST", "/api/2.0/local/engines", json={"working_directory": root})
        environment = {
            **launch.environment(running),
            "SPARK_REMOTE": engine["spark_remote"],
            "PYTHONPATH": str(_ROOT),
        }
        # -P: the folder's own `platform` package must not hide the standard library's.
        command = [sys.executable, "-P", "-m", _PROGRAM, root, json.dumps(parameters)]
        try:
            return seconds(lambda: run(command, Path(root) / "ml_code", environment))
        finally:
            running.call("DELETE", f"/api/2.0/local/engines/{engine['engine_id']}")

    def _place(self) -> dict[str, str]:
        """A new schema with the sample landed in it; the job's parameters that say so."""
        settings = load_settings("dev", branch="dev")
        schema = f"bench_{next(self._numbers)}"
        call = self.deployment.workspace.call
        call("POST", f"{_UNITY}/schemas", json={"name": schema, "catalog_name": "dev"})
        volume = {"catalog_name": "dev", "schema_name": schema, "name": "landing", "volume_type": "MANAGED"}
        call("POST", f"{_UNITY}/volumes", json=volume)
        changes = [{"principal": self._application_id(), "add": ["ALL_PRIVILEGES"]}]
        call("PATCH", f"{_UNITY}/permissions/schema/dev.{schema}", json={"changes": changes})
        self._succeeds("dev-hrob-landing", {"schema": schema, "date": _DAY})
        return {
            "environment": "dev",
            "catalog": "dev",
            "schema": schema,
            "date": _DAY,
            "model": f"dev.{schema}.risk",
            "experiment": settings.experiment_name,
            "floor": str(settings.values.promotion.floor),
            "threshold": str(settings.values.promotion.threshold),
        }

    def _succeeds(self, job: str, parameters: dict[str, str]) -> None:
        ended = self.deployment.run_job(job, **parameters)
        assert ended.result == "SUCCESS", str(ended)

    def _application_id(self) -> Any:
        found = self.deployment.workspace.call(
            "GET",
            "/api/2.0/preview/scim/v2/ServicePrincipals",
            params={"filter": 'displayName eq "branchline-dev"'},
        )
        return found["Resources"][0]["applicationId"]
