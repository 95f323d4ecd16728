"""Synthesis of all three environments; the peer is the plain import of one module of the provider package.

That import is what every CDKTF Python app pays before its first line: the package's `__init__` loads all 252 modules.
Besides: the seconds that one more job adds, from 10 to 500 jobs in one stack.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.harness import Row, alternate, at_most, seconds

_GOAL = 0.35
_ROOT = Path(__file__).parents[2]
_MANY_JOBS = Path(__file__).parent / "many_jobs.py"


def measure() -> Row:
    with tempfile.TemporaryDirectory() as output:
        environment = {**os.environ, "CDKTF_OUTDIR": output}
        mine, theirs = alternate(
            lambda: _run(["-m", "stacks"], environment), lambda: _run(["-c", _IMPORT], environment)
        )
        few = min(_run([str(_MANY_JOBS), "10", output], environment) for _ in range(3))
        many = min(_run([str(_MANY_JOBS), "500", output], environment) for _ in range(3))
    return at_most("synth", _GOAL, "s", mine, theirs, milliseconds_per_job=round((many - few) / 490 * 1000, 2))


_IMPORT = "import cdktf_cdktf_provider_databricks.job"


def _run(arguments: list[str], environment: dict[str, str]) -> float:
    return seconds(
        lambda: subprocess.run(
            [sys.executable, *arguments], cwd=_ROOT, env=environment, check=True, capture_output=True
        )
    )
