from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from ci.commands.workspace import Format, format_variables
from ci.main import app
from infra.settings import load_project
from infra.workspace import launch
from infra.workspace.launch import Running

runner = CliRunner()


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "data"
    launch.stop(tmp_path / "data")


def call(data_dir: Path, *arguments: str) -> str:
    ended = runner.invoke(app, ["workspace", *arguments, "--data-dir", str(data_dir)])
    assert ended.exit_code == 0, ended.output
    return ended.stdout


def test_up_status_down_reset(data_dir: Path, tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    subprocess.run(["git", "init", "-q", str(repository)], check=True)
    said = call(data_dir, "up", "--port", "0", "--repo", str(repository))
    running = launch.require(data_dir)
    assert running.url in said
    assert running.record.repos == {load_project().git.url: str(repository)}
    assert running.url in call(data_dir, "status")
    call(data_dir, "down")
    assert runner.invoke(app, ["workspace", "status", "--data-dir", str(data_dir)]).exit_code == 1
    assert call(data_dir, "down").strip() == "No workspace was running."
    call(data_dir, "reset", "--yes")
    assert not data_dir.exists()


def test_reset_asks_before_it_deletes(data_dir: Path) -> None:
    data_dir.mkdir()
    refused = runner.invoke(app, ["workspace", "reset", "--data-dir", str(data_dir)])
    assert refused.exit_code == 1
    assert "--yes" in refused.stderr
    assert data_dir.exists()


def test_a_folder_that_is_no_repository_is_refused(data_dir: Path, tmp_path: Path) -> None:
    refused = runner.invoke(app, ["workspace", "up", "--repo", str(tmp_path), "--data-dir", str(data_dir)])
    assert refused.exit_code == 1
    assert "not a git repository" in refused.stderr
    assert not data_dir.exists()


def test_env_points_a_shell_at_the_workspace(workspace: Running) -> None:
    # A shell that leads a session of its own, as a terminal's does: whose the tests' session is, nobody knows.
    branchline = Path(sys.executable).with_name("branchline")
    printed = shlex.join([str(branchline), "workspace", "env", "--data-dir", str(workspace.data_dir)])
    seen = subprocess.run(
        ["sh", "-c", f'eval "$({printed})"\nprintf "%s %s" $$ "$TF_REATTACH_PROVIDERS"'],
        capture_output=True, text=True, check=True, start_new_session=True,
    )  # fmt: skip
    shell, _, variable = seen.stdout.partition(" ")
    found = json.loads(variable)
    assert {source: entry["Addr"] for source, entry in found.items()} == {
        source: entry["Addr"] for source, entry in workspace.record.reattach.items()
    }
    assert {entry["Pid"] for entry in found.values()} == {int(shell)}, "it outlives the workspace"


@pytest.mark.parametrize("leader", ["nobody that is seen", "the command itself"])
def test_without_a_shell_the_workspace_itself_is_watched(
    workspace: Running, monkeypatch: pytest.MonkeyPatch, leader: str
) -> None:
    # 0 is what a process in a container is told whose session began outside.
    monkeypatch.setattr(os, "getsid", lambda _pid: 0 if leader == "nobody that is seen" else os.getpid())
    variables = json.loads(call(workspace.data_dir, "env", "--format", "json"))
    shown = call(workspace.data_dir, "env")
    assert f'"Pid":{workspace.record.pid}' in shown
    assert f'"Pid":{workspace.record.pid}' in variables["TF_REATTACH_PROVIDERS"]
    variables = json.loads(call(workspace.data_dir, "env", "--format", "json"))
    assert variables["DATABRICKS_HOST"] == variables["TF_VAR_databricks_host"] == workspace.url


def test_env_as_a_principal_that_is_not_there_says_what_to_do(workspace: Running) -> None:
    refused = runner.invoke(
        app, ["workspace", "env", "--as", "branchline-nobody", "--data-dir", str(workspace.data_dir)]
    )
    assert refused.exit_code == 1
    assert "deploy its admin stack first" in refused.stderr
    assert refused.stdout == ""


def test_the_login_link_works_once(workspace: Running) -> None:
    link = call(workspace.data_dir, "open").strip()
    assert httpx.get(link).status_code == 303
    assert httpx.get(link).status_code != 303


@pytest.mark.parametrize("value", ["plain", "with 'quotes'", '{"a": "b"}', "$HOME `x` \\ !"])
def test_shell_and_dotenv_keep_every_value(value: str) -> None:
    assert shlex.split(format_variables({"NAME": value}, Format.SHELL)) == ["export", f"NAME={value}"]
    assert shlex.split(format_variables({"NAME": value}, Format.DOTENV)) == [f"NAME={value}"]
