"""`branchline marketplace`: what a user sees of the archive, and a model brought by one command."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.jobs import ConditionTask, ConditionTaskOp, JobSettings, Source, SparkPythonTask, Task
from typer.testing import CliRunner, Result

from ci.main import app
from infra.settings import loader
from infra.workspace import launch
from infra.workspace.launch import Running
from ml_code.platform.marketplace.archive.archive import Archive
from ml_code.platform.marketplace.governance.approvals import Approval
from ml_code.platform.marketplace.governance.index import Index, IndexedModel, IndexedVersion
from tests.support.marketplace_archive import exported

CATALOG = "ci_marketplace_tests"
GROUP = "ci-marketplace-nurses"
runner = CliRunner()


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """One model with two versions, approved for west and, until yesterday, for north; and one that nobody may use."""
    archive = Archive.open(tmp_path_factory.mktemp("archive").as_uri(), create=True)
    today = date.today()

    def version(number: int, *aliases: str) -> IndexedVersion:
        committed = exported(archive, "prod.wards.line", number, slope=float(number))
        return IndexedVersion(number, "east", "prod.wards.line", number, committed.path, committed.sha256, aliases)

    def approval(workspace: str, until: date) -> Approval:
        return Approval(
            model="east__line",
            principals=(GROUP,) if workspace == "west" else ("others",),
            workspaces=(workspace,),
            until=until,
            approved_by="board@example.com",
            reason="validated by the board",
        )

    approvals = (approval("west", today + timedelta(days=9)), approval("north", today - timedelta(days=1)))
    line = IndexedModel(
        "east__line", "hub.models.east__line", "a line", (version(1, "champion"), version(2)), approvals
    )
    stays = IndexedModel("east__stays", "hub.models.east__stays", "", (version(3),))
    Index("2026-11-21T04:30:00+00:00", "c0ffee", (stays, line)).write(archive)
    return archive


@pytest.fixture(autouse=True)
def settings(tmp_path: Path, archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """The repository's settings, with this archive and these workspaces."""
    values = yaml.safe_load((loader.FOLDER / "marketplace.yaml").read_text())
    values["archive"] = {"url": archive.url}
    values["hub"] |= {"host": None, "branch": "release"}
    values["workspaces"] = [
        {"name": "west", "catalog": CATALOG, "schema_name": "models"},
        {"name": "north", "host": "https://north.example.com"},
    ]
    (tmp_path / "marketplace.yaml").write_text(yaml.safe_dump(values))
    (tmp_path / "project.yaml").write_text((loader.FOLDER / "project.yaml").read_text())
    found = loader.load_marketplace(tmp_path)
    monkeypatch.setattr(loader, "load_marketplace", lambda: found)


@pytest.fixture
def west(workspace: Running, monkeypatch: pytest.MonkeyPatch) -> Iterator[WorkspaceClient]:
    """This shell logs in to west."""
    client = WorkspaceClient(host=workspace.url, token=workspace.token)
    client.catalogs.create(CATALOG)
    client.schemas.create("models", CATALOG)
    group = client.groups.create(display_name=GROUP)
    for key, value in launch.environment(workspace).items():
        if not key.startswith("TF_"):
            monkeypatch.setenv(key, value)
    yield client
    client.groups.delete(str(group.id))
    client.catalogs.delete(CATALOG, force=True)


def told(*arguments: str, code: int = 0) -> Result:
    result = runner.invoke(app, ["marketplace", *arguments])
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result


def test_the_list_shows_origin_champion_and_approvals() -> None:
    line, stays = told("list").stdout.splitlines()[1:]
    assert line.split()[:6] == ["east__line", "east:", "prod.wards.line", "v1", "2", "v1"]
    assert "west, the hub" in line
    assert "north" not in line
    assert stays.split()[0] == "east__stays"
    assert [model["name"] for model in json.loads(told("list", "-w", "west", "--json").stdout)] == ["east__line"]
    assert "nothing is approved for north" in told("list", "--workspace", "north").stdout


def test_a_model_is_shown_with_its_approvals_and_versions() -> None:
    shown = told("show", "east__line")
    assert "hub.models.east__line" in shown.stdout
    assert "board@example.com" in shown.stdout
    assert "(ended)" in shown.stdout
    assert "branchline marketplace bring east__line --workspace west" in shown.stderr
    assert "did you mean east__line?" in told("show", "line", code=1).stderr


def test_an_approved_model_is_brought_by_one_command(
    west: WorkspaceClient, archive: Archive, capfd: pytest.CaptureFixture[str]
) -> None:
    told("bring", "east__line", "--workspace", "west", "--dry-run")
    assert "dry run: 1 brought" in capfd.readouterr().out
    assert list(west.registered_models.list(catalog_name=CATALOG, schema_name="models")) == []

    done = told("bring", "east__line", "--workspace", "west", "--name", "line")
    assert f"east__line version 1 as {CATALOG}.models.line: brought" in capfd.readouterr().out
    assert '- {"model": "east__line", "name": "line"}' in done.stderr
    assert west.registered_models.get(f"{CATALOG}.models.line", include_aliases=True).aliases
    (granted,) = west.grants.get("FUNCTION", f"{CATALOG}.models.line").privilege_assignments or []
    assert granted.principal == GROUP
    (use,) = (dict(archive.read_document(path) or {}) for path in archive.documents("uses"))
    assert (use["workspace"], use["kind"], use["principal"]) == ("west", "brought", west.current_user.me().user_name)
    shown: dict[str, Any] = json.loads(told("show", "east__line", "--json").stdout)
    assert [(each["workspace"], each["version"], each["hub_version"]) for each in shown["brought"]] == [("west", 1, 1)]

    told("bring", "east__stays", "--workspace", "west", code=1)
    assert "east__stays is not approved for west" in capfd.readouterr().err


def test_what_cannot_be_reached_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "no workspace 'wset'; did you mean 'west'?" in told("bring", "a", "--workspace", "wset", code=1).stderr
    monkeypatch.setenv("DATABRICKS_HOST", "https://elsewhere.example.com")
    refused = told("export", "--workspace", "north", "--dry-run", code=1).stderr
    assert (
        "DATABRICKS_HOST is https://elsewhere.example.com, and infra/settings/marketplace.yaml says https://north"
        in refused
    )


def test_an_archive_without_an_index_is_told(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ci.marketplace.index.INDEX", "none.json")
    assert "the hub's job marketplace-approve writes it" in told("list", code=1).stderr
    archive.write_document("none.json", {"format": 2})
    assert "has format 2, this command reads 1" in told("list", code=1).stderr


def test_a_push_to_another_branch_than_the_hubs_applies_nothing() -> None:
    done = told("approvals", "apply", "--branch", "main")
    assert "the hub runs release: nothing to apply for main" in done.stdout


def test_a_push_to_the_hubs_branch_runs_its_job_to_its_end(west: WorkspaceClient) -> None:
    apply = ("approvals", "apply", "--branch", "release")
    assert "no job 'marketplace-approve'" in told(*apply, code=1).stderr
    holds = ConditionTask(op=ConditionTaskOp.EQUAL_TO, left="1", right="1")
    made = west.jobs.create(name="marketplace-approve", tasks=[Task("approve", condition_task=holds)])
    job_id = int(made.job_id or 0)
    try:
        assert "approve: SUCCESS" in told(*apply).stdout
        absent = SparkPythonTask("/Shared/absent.py", source=Source.WORKSPACE)
        settings = JobSettings(name="marketplace-approve", tasks=[Task("approve", spark_python_task=absent)])
        west.jobs.reset(job_id, settings)
        assert "its log: branchline jobs logs" in told(*apply, code=1).stderr
    finally:
        west.jobs.delete(job_id)
