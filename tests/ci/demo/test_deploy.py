from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from ci.demo.deploy import clean_environment, run_logged, summary
from ci.demo.steps import StepFailed, StepLog


def test_nothing_of_the_caller_s_points_elsewhere() -> None:
    caller = {
        "PATH": "/bin",
        "HOME": "/home/me",
        "DATABRICKS_HOST": "https://real.example.com",
        "TF_VAR_databricks_token": "dapi",
        "TF_REATTACH_PROVIDERS": "{}",
        "BRANCH": "feature/x",
        "TERRAFORM_BINARY_NAME": "tofu",
    }
    environment = clean_environment(caller)
    assert not {name for name in environment if name.startswith(("DATABRICKS_", "TF_VAR_", "TF_REATTACH"))}
    assert "BRANCH" not in environment
    assert environment["TERRAFORM_BINARY_NAME"] == "tofu"
    assert environment["HOME"] == "/home/me"
    assert environment["PATH"].split(os.pathsep) == [str(Path(sys.executable).parent), "/bin"]


def test_stacks_are_summed() -> None:
    output = (
        "dev-admin  Apply complete! Resources: 20 added, 0 changed, 0 destroyed.\n"
        "prod-admin  \x1b[32mApply complete! Resources: 2 imported, 10 added, 1 changed, 0 destroyed.\x1b[0m\n"
    )
    assert summary(output, 2) == "2 imported, 30 added, 1 changed, 0 destroyed in 2 stacks"


def test_nothing_applied_is_no_change() -> None:
    assert summary("dev  No changes. Your infrastructure matches the configuration.", 1) == "no changes"
    assert summary("dev  Apply complete! Resources: 0 added, 0 changed, 0 destroyed.", 1) == "no changes"


def test_a_failed_command_says_why_and_logs_all(tmp_path: Path) -> None:
    path = tmp_path / "step.log"
    with path.open("w") as file, pytest.raises(StepFailed, match="Error: state lock"):
        run_logged(
            [sys.executable, "-c", "print('one'); print('Error: state lock'); raise SystemExit(1)"],
            os.environ,
            StepLog(path, file, lambda line: None),
        )
    assert path.read_text().splitlines() == ["one", "Error: state lock"]
