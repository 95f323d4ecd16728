"""Loads a model in a process of its own, which is locked in before it opens the model."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ml_code.platform.marketplace.intake.findings import Loaded
from ml_code.platform.marketplace.intake.policy import Loading

_SCRIPT = Path(__file__).with_name("load_isolated.py")
_ROOT = Path(__file__).parents[4]
_LONGEST_ANSWER = 16 * 1024
_STATES = ("loaded", "failed", "skipped")


def load_isolated(folder: Path, flavors: Sequence[str], limits: Loading, *, executable: bool) -> Loaded:
    """Whether the model loads. `executable`: some of its files are pickles, which only a shut-in process may open.

    The process has none of this one's environment, and a folder of its own that goes with it.
    """
    with tempfile.TemporaryDirectory(prefix="intake-") as scratch:
        answer = Path(scratch) / "answer.json"
        request = {
            "root": str(_ROOT),
            "folder": str(folder.resolve()),
            "flavors": list(flavors),
            "scratch": scratch,
            "answer": str(answer),
            "memory": limits.memory,
            "seconds": limits.seconds,
            "executable": executable,
        }
        code, told = _run(json.dumps(request), scratch, limits.seconds)
        return _read(answer, code, told)


def _run(request: str, scratch: str, seconds: int) -> tuple[int | None, str]:
    """Exit code (None: it was ended when its time was up) and the last that it said."""
    process = subprocess.Popen(
        [sys.executable, "-I", str(_SCRIPT)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd=scratch,
        env=_environment(scratch),
        start_new_session=True,
        text=True,
        errors="replace",
    )
    try:
        _, said = process.communicate(request, timeout=seconds)
        return process.returncode, said[-500:].strip()
    except subprocess.TimeoutExpired:
        return None, f"it was not loaded within {seconds} s"
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _environment(scratch: str) -> dict[str, str]:
    return {
        "HOME": scratch,
        "TMPDIR": scratch,
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MPLCONFIGDIR": scratch,
        "HF_HUB_OFFLINE": "1",
        "MLFLOW_TRACKING_URI": f"file://{scratch}/mlflow",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }


def _read(answer: Path, code: int | None, told: str) -> Loaded:
    """What the process wrote, of which nothing is taken for granted."""
    try:
        found: Any = json.loads(answer.read_bytes()[:_LONGEST_ANSWER])
        state, words = str(found["state"]), str(found["told"])
        guards, seconds = tuple(map(str, found["guards"])), float(found.get("seconds", 0))
    except (OSError, ValueError, KeyError, TypeError):
        return Loaded("failed", f"the process that loads it did not begin (exit code {code}): {told}")
    if code != 0 or state not in _STATES:
        said = told if code is None else f"the process that loaded it ended with exit code {code}: {told or words}"
        return Loaded("failed", said[:500], guards, seconds)
    return Loaded(state, words[:500], guards, seconds)  # type: ignore[arg-type]  # one of _STATES
