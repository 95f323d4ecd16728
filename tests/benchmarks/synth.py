"""Synthesis of all three environments; the peer is the plain import of one module of the provider package.

That import is what every CDKTF Python app pays before its first line: the package's `__init__` loads all 252
modules. Ours is the command of cdktf.json. Both run with their modules compiled already, as on a machine where Python
may keep bytecode; `ratio_without_bytecode` is the same where it may not (a fresh container with
PYTHONDONTWRITEBYTECODE, say), where our synthesis keeps it in a folder of its own. Besides: the milliseconds that one
more job with its access list adds, from 10 to 500 jobs in one stack.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.benchmarks.harness import Row, alternate, at_most, compiled, say, seconds, uncompiled

_GOAL = 0.35
_ROOT = Path(__file__).parents[2]
NOTE = """Of our time about a fifth is reading the settings, a fifth Python's import of the library and the classes in
use, the rest Node: its start, the library, the job's classes, and the synthesis itself, which resolves every stack
twice. In use: the hollow package; Python's -O, which leaves out the type checks of the generated classes; jsii's
cache of unpacked packages; and ADR 12 (provider modules on demand, one Node process, structs sent as set, no traces
of tokens). Tried without gain beyond the noise: V8's code cache (0.1 s at most, for 400 files), importing the library
in a thread while the settings are read (0 to 0.2 s, for both want Python's lock), loading archiver on demand, -OO, no
garbage collection, other compiler settings of V8. Not done: leaving out the first of the two resolving runs, because
a reference between stacks would then go wrong in silence."""
_IMPORT = [sys.executable, "-c", "import cdktf_cdktf_provider_databricks.job"]


def measure() -> Row:
    app = json.loads((_ROOT / "cdktf.json").read_text())["app"].split()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kept, none = compiled(folder / "kept"), uncompiled(folder / "none")
        for command in (app, _IMPORT):
            _run(command, kept, folder)
        mine, theirs = alternate(lambda: _run(app, kept, folder), lambda: _run(_IMPORT, kept, folder))
        say("  without bytecode:")
        bare, bare_peer = alternate(lambda: _run(app, none, folder), lambda: _run(_IMPORT, none, folder))
        growth = _growth(app, kept, folder)
    without = statistics.median(bare), statistics.median(bare_peer)
    return at_most(
        "synth", _GOAL, "s", mine, theirs,
        without_bytecode=round(without[0], 3), peer_without_bytecode=round(without[1], 3),
        ratio_without_bytecode=round(without[0] / without[1], 4), milliseconds_per_job=growth,
    )  # fmt: skip


def _growth(app: list[str], environment: Mapping[str, str], folder: Path) -> float:
    python = app[: app.index("-m")]

    def median(jobs: int) -> float:
        command = [*python, "-m", "tests.benchmarks.many_jobs", str(jobs), str(folder / f"{jobs}-jobs")]
        return statistics.median(_run(command, environment, folder) for _ in range(3))

    return round((median(500) - median(10)) / 490 * 1000, 2)


def _run(command: list[str], environment: Mapping[str, str], folder: Path) -> float:
    variables = {**environment, "CDKTF_OUTDIR": str(folder / "out"), "BRANCH": "dev"}
    return seconds(lambda: subprocess.run(command, cwd=_ROOT, env=variables, check=True, capture_output=True))
