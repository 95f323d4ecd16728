"""The tasks of the Makefile, as a user meets them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]


def make(*arguments: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": path or "/usr/bin:/bin"}
    return subprocess.run(
        ["/usr/bin/env", "make", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def test_help_explains_each_target() -> None:
    declared = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert declared
    explained = re.findall(r"^  make (\w+) +\S", make("help").stdout, re.MULTILINE)
    assert sorted(explained) == sorted(set(declared[1].split()) - {"help", "terraform"} | {"help"})


def test_missing_terraform_is_one_line_that_says_where_to_get_it(tmp_path: Path) -> None:
    for tool in ("make", "sh"):
        (tmp_path / tool).symlink_to(str(shutil.which(tool)))
    refused = make("demo", path=str(tmp_path))
    assert refused.returncode != 0
    assert refused.stdout == ""
    said = [line for line in refused.stderr.splitlines() if not line.startswith("make:")]
    assert len(said) == 1
    assert "terraform is missing" in said[0]
    assert "HashiCorp" in said[0]
    assert "opentofu.org" in said[0]


def test_the_binary_s_name_can_be_chosen(tmp_path: Path) -> None:
    planned = subprocess.run(
        ["make", "-n", "terraform"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "TERRAFORM_BINARY_NAME": "tofu"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "command -v tofu" in planned.stdout


def test_test_runs_all_checks_and_ends_with_pytest() -> None:
    commands = make("-n", "test").stdout.strip().splitlines()
    planned = "\n".join(commands)
    for check in ("ruff check .", "ruff format --check .", "mypy", "lint-imports"):
        assert check in planned
    assert commands[-1] == ".venv/bin/pytest -n 2 tests"


def test_ci_calls_the_readme_s_test_command_after_the_browser_s_installation() -> None:
    lines = [line for line in (ROOT / ".ci/run").read_text().splitlines() if line and not line.startswith("#")]
    assert lines[0] == 'cd "$(dirname "$0")/.." || exit 1'
    assert lines[-1] == "exec make test"
    assert {line for line in lines if "make" in line or "pytest" in line} == {"exec make test"}
    assert re.search(r"^\s*make test$", (ROOT / "README.md").read_text(), re.MULTILINE)


def test_hooks_download_nothing() -> None:
    repos = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert [repo["repo"] for repo in repos] == ["local"]
    for hook in repos[0]["hooks"]:
        assert hook["language"] == "system"
        assert hook["entry"].startswith(".venv/bin/")
