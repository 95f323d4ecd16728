from __future__ import annotations

from pathlib import Path

import pytest

from ci.errors import Trouble
from ci.target import Target, find_target
from infra.workspace.launch import Running


def test_the_environment_goes_before_the_local_workspace(workspace: Running) -> None:
    named = {"DATABRICKS_HOST": "https://example.cloud.databricks.com", "DATABRICKS_TOKEN": "dapi0", "HOME": "/x"}
    target = find_target(workspace.data_dir, variables=named)
    assert (target.host, target.token, target.is_local) == ("https://example.cloud.databricks.com", "dapi0", False)
    assert "HOME" not in target.variables


def test_without_one_it_is_the_local_workspace(workspace: Running) -> None:
    target = find_target(workspace.data_dir, variables={})
    assert target.is_local
    assert target.client().current_user.me().user_name == "admin@localhost"


def test_with_neither_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Trouble, match="branchline workspace up"):
        find_target(tmp_path, variables={})


def test_nobody_at_home_is_known_at_once() -> None:
    gone = Target("http://127.0.0.1:1", {"DATABRICKS_TOKEN": "dapi0"})
    with pytest.raises(Trouble, match="no workspace answers at"):
        gone.client()
