"""Peers whose libraries do not fit beside ours: each in an environment of its own, made from its lock when missing."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_KEPT = _ROOT / ".branchline/peers"
_UV = _ROOT / ".bootstrap/bin/uv"

QUIET = {"DO_NOT_TRACK": "1"}
"""For a peer's environment variables: it reports its use to nobody."""


def peer_python(name: str) -> Path:
    """The interpreter of tests/peers/<name>; making its environment takes a minute, once, and the package index."""
    project, environment = _ROOT / "tests/peers" / name, _KEPT / name
    python, made_from = environment / "bin/python", environment / "made-from.lock"
    lock = (project / "uv.lock").read_bytes()
    _KEPT.mkdir(parents=True, exist_ok=True)
    with (_KEPT / f"{name}.lock").open("w") as only_one:
        fcntl.flock(only_one, fcntl.LOCK_EX)
        if not (made_from.exists() and made_from.read_bytes() == lock and python.exists()):
            _sync(project, environment)
            made_from.write_bytes(lock)
    return python


def run_peer(name: str, *arguments: str, timeout: float = 600) -> str:
    """What the peer's interpreter prints; an AssertionError with its errors when it fails."""
    done = subprocess.run(
        [str(peer_python(name)), *arguments],
        env={**os.environ, **QUIET, "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, f"{name} {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr[-4000:]}"
    return done.stdout


def _sync(project: Path, environment: Path) -> None:
    uv = str(_UV) if _UV.exists() else "uv"
    command = [uv, "sync", "--locked", "--quiet", "--project", str(project), "--python", sys.executable]
    done = subprocess.run(
        command,
        env={**os.environ, "UV_PROJECT_ENVIRONMENT": str(environment)},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-4000:]}"
