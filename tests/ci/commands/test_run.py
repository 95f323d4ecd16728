from __future__ import annotations

import pytest
from typer.testing import CliRunner

from ci.main import app

runner = CliRunner()


def test_without_a_step_all_are_listed() -> None:
    listed = runner.invoke(app, ["run"])
    assert listed.exit_code == 0
    for step in ("hrob.land", "hrob.train", "hrob.score"):
        assert step in listed.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["trian"], "did you mean 'train'"),
        (["train", "--trails", "3"], "did you mean --trials"),
        (["train", "--trials"], "expected a value"),
        (["train", "--env", "stagging"], "no environment 'stagging'"),
        (["train", "--branch", "feature/none"], "feature/none"),
    ],
)
def test_what_is_wrong_is_said_before_anything_starts(arguments: list[str], said: str) -> None:
    refused = runner.invoke(app, ["run", *arguments])
    assert refused.exit_code == 1
    assert said in refused.stderr
    assert "Traceback" not in refused.output


def test_a_remote_workspace_without_a_cluster_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABRICKS_HOST", "https://example.cloud.databricks.com")
    monkeypatch.setenv("DATABRICKS_TOKEN", "dapi0")
    monkeypatch.delenv("SPARK_REMOTE", raising=False)
    refused = runner.invoke(app, ["run", "train", "--branch", "main"])
    assert refused.exit_code == 1
    assert "SPARK_REMOTE is not set" in refused.stderr
