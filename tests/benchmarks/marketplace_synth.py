"""Synthesis of the marketplace's stacks: one workspace of 1,000 beside one of 65.

There is no peer: the second column is ours at 65 workspaces, start of Python and Node included, so that the ratio says
whether a workspace costs more where there are many: it must not, in CPU time of both processes. Besides: the time at
either size, the peak memory of Python and of Node at 1,000, and the seconds for one workspace alone among 1,000
(`MARKETPLACE=<name>`), which is what adding a workspace costs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.benchmarks.harness import Row, at_most, compiled, say

_GOAL = 1.0
_ROUNDS = 3
_ROOT = Path(__file__).parents[2]


def measure() -> Row:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = compiled(folder / "kept")
        _run(1, folder, environment)  # compiles
        few, many = [], []
        for turn in range(_ROUNDS):
            few.append(_run(65, folder, environment))
            many.append(_run(1000, folder, environment))
            say(f"  round {turn + 1}/{_ROUNDS}: 65 in {few[-1]['seconds']:.1f} s, 1,000 in {many[-1]['seconds']:.1f} s")
        one = _run(1000, folder, environment, only="ward-999")
    return at_most(
        "marketplace-synth", _GOAL, "CPU ms per workspace",
        [1000 * each["cpu_seconds"] / 1000 for each in many], [1000 * each["cpu_seconds"] / 65 for each in few],
        seconds_at_65=round(min(each["seconds"] for each in few), 1),
        seconds_at_1000=round(min(each["seconds"] for each in many), 1),
        python_mib=max(each["python_mib"] for each in many), node_mib=max(each["node_mib"] for each in many),
        one_of_1000_seconds=round(one["seconds"], 1),
    )  # fmt: skip


def _run(count: int, folder: Path, environment: Mapping[str, str], only: str = "") -> dict[str, Any]:
    command = [sys.executable, "-O", "-m", "tests.benchmarks.many_workspaces", str(count), str(folder / f"of-{count}")]
    variables = {**os.environ, **environment, "MARKETPLACE": only}
    done = subprocess.run(command, cwd=_ROOT, env=variables, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
