from __future__ import annotations

import socket
from pathlib import Path

import pytest

from ci.doctor import workspace as checks
from infra.workspace import launch
from infra.workspace.launch import Running


def test_a_data_folder_that_cannot_be_made_blocks(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert checks.data_folder(tmp_path / "new" / "folder").well
    assert not (tmp_path / "new").exists()
    assert checks.data_folder(tmp_path / "file" / "below").blocks


def test_ports_in_use_are_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        monkeypatch.setattr(launch, "DEFAULT_PORT", taken)
        check = checks.ports(tmp_path)
    assert str(taken) in check.found
    assert not check.well
    assert not check.blocks


def test_the_running_workspace_is_the_one_that_commands_use(workspace: Running) -> None:
    check = checks.credentials(workspace.data_dir, variables={})
    assert check.well
    assert workspace.url in check.found
    assert checks.ports(workspace.data_dir).found.endswith(workspace.url)


def test_a_wrong_token_is_told(workspace: Running) -> None:
    wrong = {"DATABRICKS_HOST": workspace.url, "DATABRICKS_TOKEN": "dapi0"}
    check = checks.credentials(workspace.data_dir, variables=wrong)
    assert not check.well
    assert not check.blocks


def test_no_workspace_is_a_note(tmp_path: Path) -> None:
    check = checks.credentials(tmp_path, variables={})
    assert "branchline workspace up" in check.remedy
    assert not check.blocks


def test_settings_name_each_environment_s_branch() -> None:
    assert checks.settings().found.endswith("staging from main, prod from release")
