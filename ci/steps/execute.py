"""Running the ML code's entry file on the work tree, with the environment that a task has."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from ci.errors import Trouble
from ci.target import Target

_ENGINES = "/api/2.0/local/engines"
_NO_SPARK = (
    "SPARK_REMOTE is not set: on a remote workspace the step needs a cluster to compute on."
    " Set SPARK_REMOTE to its Spark Connect address,"
    " sc://<host without https>:443/;token=<token>;x-databricks-cluster-id=<cluster id>,"
    " or develop against a local workspace: branchline workspace up"
)


@contextmanager
def spark(target: Target, root: Path, variables: Mapping[str, str] = os.environ) -> Iterator[str]:
    """A Spark Connect address: the one that SPARK_REMOTE names, else an engine of the local workspace.

    The engine starts in the work tree, whose functions it must be able to import, and ends with the block.
    """
    if variables.get("SPARK_REMOTE"):
        yield variables["SPARK_REMOTE"]
        return
    if not target.is_local:
        raise Trouble(_NO_SPARK)
    engine = _call(target, "POST", _ENGINES, {"working_directory": str(root)})
    try:
        yield engine["spark_remote"]
    finally:
        _call(target, "DELETE", f"{_ENGINES}/{engine['engine_id']}")


def task_environment(target: Target, spark_remote: str, variables: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What a task's process finds in its environment."""
    environment = {**variables, **target.variables, "SPARK_REMOTE": spark_remote}
    if target.is_local:
        environment["MLFLOW_TRACKING_URI"] = target.host
        environment["MLFLOW_TRACKING_TOKEN"] = target.token or ""
    else:
        environment.setdefault("MLFLOW_TRACKING_URI", "databricks")
        environment.setdefault("MLFLOW_REGISTRY_URI", "databricks-uc")
    return environment


def command(entry: Path, arguments: Sequence[str], debugger: bool) -> list[str]:
    """The interpreter's command line; a debugger is debugpy where it is installed, else pdb."""
    if not debugger:
        return [sys.executable, str(entry), *arguments]
    if importlib.util.find_spec("debugpy"):
        return [
            sys.executable, "-m", "debugpy", "--listen", "127.0.0.1:5678", "--wait-for-client", str(entry), *arguments
        ]  # fmt: skip
    return [sys.executable, "-m", "pdb", str(entry), *arguments]


def run_process(arguments: Sequence[str], cwd: Path, environment: Mapping[str, str]) -> int:
    """Runs a process on this terminal and returns its exit code, as a shell counts it."""
    process = subprocess.Popen(arguments, cwd=cwd, env=dict(environment))
    # Control-C is the child's to handle: a debugger stops its program with it and goes on.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        code = process.wait()
    finally:
        signal.signal(signal.SIGINT, before)
    return code if code >= 0 else 128 - code


def _call(target: Target, method: str, path: str, body: Mapping[str, str] | None = None) -> dict[str, str]:
    try:
        response = httpx.request(
            method, target.host + path, headers={"Authorization": f"Bearer {target.token}"}, json=body, timeout=60
        )
    except httpx.TransportError as error:
        raise Trouble(f"{target.host} does not answer: {error}") from error
    if response.is_error:
        raise Trouble(f"{method} {path}: {response.status_code} {response.text}")
    answer: dict[str, str] = response.json() if response.content else {}
    return answer
