"""Deploying stacks as a user does: the real cdktf, which calls the real Terraform."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from ci.demo.steps import StepFailed, StepLog, clean, reason
from ci.repository import ROOT

_APPLIED = re.compile(r"(?:(\d+) imported, )?(\d+) added, (\d+) changed, (\d+) destroyed")
_OF_THE_CALLER = ("DATABRICKS_", "TF_VAR_", "TF_CLI_ARGS", "MLFLOW_", "SPARK_")
_OF_A_BRANCH = frozenset({"BRANCH", "COMMIT", "ENVIRONMENTS", "TF_REATTACH_PROVIDERS", "TF_WORKSPACE", "TF_LOG"})


def deploy(stacks: Sequence[str], variables: Mapping[str, str], branch: str, log: StepLog) -> str:
    """`cdktf deploy` of the stacks with one principal's variables; returns what changed. Raises StepFailed.

    `branch` is one that an environment is pinned to: the settings then make no feature branch's copy, whatever is
    checked out.
    """
    cdktf = ROOT / "node_modules" / ".bin" / "cdktf"
    arguments = [str(cdktf), "deploy", *stacks, "--auto-approve", "--skip-provider-lock"]
    log.write(f"$ cdktf {' '.join(arguments[1:])}")
    output = run_logged(arguments, clean_environment(os.environ) | dict(variables) | {"BRANCH": branch}, log)
    return summary(output, len(stacks))


def clean_environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """The user's environment without what would point Terraform or the stacks elsewhere, and with our own tools."""
    kept = {
        name: value
        for name, value in inherited.items()
        if not name.startswith(_OF_THE_CALLER) and name not in _OF_A_BRANCH
    }
    tools = Path(sys.executable).parent
    return kept | {
        "PATH": f"{tools}{os.pathsep}{kept.get('PATH', os.defpath)}",
        "CI": "1",
        "CHECKPOINT_DISABLE": "1",
        "TF_IN_AUTOMATION": "1",
        "FORCE_COLOR": "0",
    }


def run_logged(arguments: Sequence[str], environment: Mapping[str, str], log: StepLog) -> str:
    """Runs a command to its end, each of its lines into the log; returns all. Raises StepFailed with the reason."""
    lines = []
    with subprocess.Popen(
        arguments,
        cwd=ROOT,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as process:
        assert process.stdout is not None  # noqa: S101 - it is a pipe: we asked for one
        for line in process.stdout:
            lines.append(line)
            log.note(line.rstrip("\n"))
    output = "".join(lines)
    if process.returncode != 0:
        raise StepFailed(reason(output) or f"{Path(arguments[0]).name} ended with exit code {process.returncode}")
    return output


def summary(output: str, stacks: int) -> str:
    """How many objects were made, changed and destroyed, all stacks together."""
    applied = _APPLIED.findall(clean(output))
    imported, added, changed, destroyed = (sum(int(row[column] or 0) for row in applied) for column in range(4))
    if not applied or not (imported or added or changed or destroyed):
        return "no changes"
    parts = [f"{added} added", f"{changed} changed", f"{destroyed} destroyed"]
    if imported:
        parts.insert(0, f"{imported} imported")
    return ", ".join(parts) + (f" in {stacks} stacks" if stacks > 1 else "")
