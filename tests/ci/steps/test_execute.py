from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from ci.errors import Trouble
from ci.steps.execute import command, run_process, spark, task_environment
from ci.target import Target, find_target
from infra.workspace.launch import Running

REMOTE = Target("https://example.cloud.databricks.com", {"DATABRICKS_HOST": "https://example.cloud.databricks.com"})


@pytest.mark.parametrize(
    ("code", "expected"), [("pass", 0), ("raise SystemExit(2)", 2), ("import os; os.abort()", 134)]
)
def test_the_exit_code_is_the_step_s_own(tmp_path: Path, code: str, expected: int) -> None:
    assert run_process([sys.executable, "-c", code], tmp_path, os.environ) == expected


def test_a_remote_workspace_needs_a_cluster_s_address(tmp_path: Path) -> None:
    with pytest.raises(Trouble, match="SPARK_REMOTE is not set"), spark(REMOTE, tmp_path, {}):
        pass
    with spark(REMOTE, tmp_path, {"SPARK_REMOTE": "sc://cluster"}) as address:
        assert address == "sc://cluster"


def test_a_remote_run_logs_to_databricks() -> None:
    environment = task_environment(REMOTE, "sc://cluster", {"PATH": "/bin"})
    assert environment["MLFLOW_TRACKING_URI"] == "databricks"
    assert environment["MLFLOW_REGISTRY_URI"] == "databricks-uc"
    assert environment["SPARK_REMOTE"] == "sc://cluster"


def test_a_local_run_gets_the_workspace_s_own_token(workspace: Running) -> None:
    target = find_target(workspace.data_dir, variables={})
    environment = task_environment(target, "sc://x", {"PATH": "/bin", "MLFLOW_TRACKING_URI": "elsewhere"})
    assert environment["DATABRICKS_HOST"] == environment["MLFLOW_TRACKING_URI"] == workspace.url
    assert environment["DATABRICKS_TOKEN"] == environment["MLFLOW_TRACKING_TOKEN"] == workspace.token


def test_the_debugger_is_an_option_of_the_interpreter(tmp_path: Path) -> None:
    entry = tmp_path / "run.py"
    assert command(entry, ["step"], debugger=False) == [sys.executable, str(entry), "step"]
    line = command(entry, ["step"], debugger=True)
    assert line[:2] == [sys.executable, "-m"]
    assert line[2] in ("debugpy", "pdb")
    assert line[-2:] == [str(entry), "step"]
