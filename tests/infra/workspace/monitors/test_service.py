"""Quality monitors through databricks-sdk, refreshed by real runs of a small job."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest, NotFound, PermissionDenied, ResourceConflict
from databricks.sdk.service import catalog as uc
from databricks.sdk.service.catalog import MonitorInfoStatus, MonitorRefreshInfo, MonitorRefreshInfoState

from infra.workspace import launch
from tests.support.jobs_room import URL, Repository
from tests.support.watched import Watched, eventually

COLUMNS = {"timestamp": "timestamp", "model_version": "string", "prediction": "double"}
LOG = uc.MonitorInferenceLog(
    problem_type=uc.MonitorInferenceLogProblemType.PROBLEM_TYPE_CLASSIFICATION,
    timestamp_col="timestamp",
    granularities=["1 week"],
    prediction_col="prediction",
    model_id_col="model_version",
)
STEP = """
import sys, time
from pathlib import Path
folder = Path(sys.argv[1])
if (folder / "fail").exists():
    raise SystemExit("no rows")
started = folder / "running"
started.mkdir()  # fails where another run is at work
while (folder / "hold").exists():
    time.sleep(0.02)
started.rmdir()
with (folder / "done").open("a") as log:
    log.write("x")
"""


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    made = Repository(tmp_path_factory.mktemp("repository"))
    made.commit({"ml_code/run.py": STEP})
    return made


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory, repository: Repository) -> Iterator[Watched]:
    data_dir = tmp_path_factory.mktemp("monitors")
    found = Watched(launch.start(data_dir, port=0, repos={URL: str(repository.path)}))
    found.client.catalogs.create("dev")
    found.client.schemas.create("hrob", "dev")
    yield found
    launch.stop(data_dir)


@pytest.fixture
def table(watched: Watched, request: pytest.FixtureRequest) -> Iterator[str]:
    """A table of the test's own, with its monitor."""
    name = watched.table(f"dev.hrob.{request.node.name[:60].lower()}", COLUMNS)
    monitor(watched.client, name)
    yield name
    if watched.client.tables.exists(name).table_exists:
        watched.client.tables.delete(name)


def monitor(client: WorkspaceClient, table: str, **more: object) -> uc.MonitorInfo:
    return client.quality_monitors.create(table, "dev.hrob", "/Shared/m", **{"inference_log": LOG, **more})  # type: ignore[arg-type] # create's own


def ended(client: WorkspaceClient, table: str, refresh: MonitorRefreshInfo) -> MonitorRefreshInfo:
    over = (MonitorRefreshInfoState.PENDING, MonitorRefreshInfoState.RUNNING)

    def look() -> MonitorRefreshInfo | None:
        found = client.quality_monitors.get_refresh(table, refresh.refresh_id)
        return None if found.state in over else found

    return eventually(look)


def state_of(client: WorkspaceClient, table: str, refresh: MonitorRefreshInfo) -> MonitorRefreshInfoState:
    return client.quality_monitors.get_refresh(table, refresh.refresh_id).state


def test_a_monitors_life(watched: Watched) -> None:
    monitors = watched.client.quality_monitors
    with pytest.raises(NotFound, match=r"Table 'dev.hrob.life' does not exist"):
        monitor(watched.client, "dev.hrob.life")
    table = watched.table("dev.hrob.life", COLUMNS)
    with pytest.raises(NotFound, match=r"Data Monitor 'dev.hrob.life' does not exist"):
        monitors.get(table)
    with pytest.raises(NotFound, match=r"Schema 'dev.none' does not exist"):
        monitors.create(table, "dev.none", "/Shared/m", inference_log=LOG)
    with pytest.raises(NotFound, match=r"Table 'dev.hrob.baseline' does not exist"):
        monitor(watched.client, table, baseline_table_name="dev.hrob.baseline")
    made = monitor(watched.client, table, skip_builtin_dashboard=True)
    assert (made.status, made.monitor_version) == (MonitorInfoStatus.MONITOR_STATUS_ACTIVE, 1)
    assert made.profile_metrics_table_name == "dev.hrob.life_profile_metrics"
    assert made.drift_metrics_table_name == "dev.hrob.life_drift_metrics"
    with pytest.raises(ResourceConflict, match=r"Data Monitor 'dev.hrob.life' already exists"):
        monitor(watched.client, table)
    schedule = uc.MonitorCronSchedule("0 0 6 * * ?", "Europe/Prague")
    changed = monitors.update(table, "dev.hrob", schedule=schedule)
    assert (changed.monitor_version, changed.inference_log) == (2, LOG)
    assert changed.schedule
    assert changed.schedule.pause_status is uc.MonitorCronSchedulePauseStatus.UNPAUSED
    assert monitors.get(table) == changed
    watched.running.call("PATCH", f"/api/2.1/unity-catalog/tables/{table}", json={"new_name": "renamed"})
    assert monitors.get("dev.hrob.renamed").profile_metrics_table_name == "dev.hrob.renamed_profile_metrics"
    watched.client.tables.delete("dev.hrob.renamed")
    with pytest.raises(NotFound, match=r"Table 'dev.hrob.renamed' does not exist"):
        monitors.get("dev.hrob.renamed")
    watched.table("dev.hrob.renamed", COLUMNS)
    with pytest.raises(NotFound, match="Data Monitor"):
        monitors.get("dev.hrob.renamed")
    monitor(watched.client, "dev.hrob.renamed")
    monitors.delete("dev.hrob.renamed")
    with pytest.raises(NotFound, match="Data Monitor"):
        monitors.delete("dev.hrob.renamed")


def test_without_its_job_a_refresh_fails_and_says_which_tag_is_missing(watched: Watched, table: str) -> None:
    monitors = watched.client.quality_monitors
    to = uc.MonitorNotifications(on_failure=uc.MonitorDestination(["mlops@example.com"]))
    monitors.update(table, "dev.hrob", notifications=to)
    failed = ended(watched.client, table, monitors.run_refresh(table))
    tag = table.replace(".", "_")
    assert failed.state is MonitorRefreshInfoState.FAILED
    assert f"has the tag quality_monitor = {tag}" in (failed.message or "")
    assert monitors.get(table).latest_monitor_failure_msg == failed.message
    [mail] = [each for each in watched.outbox() if each.get("table_name") == table]
    assert (mail["recipient"], mail["message"]) == ("mlops@example.com", failed.message)
    monitors.update(table, "dev.hrob")
    assert monitors.get(table).latest_monitor_failure_msg is None


def test_refreshes_asked_for_at_once_run_one_after_the_other(watched: Watched, table: str, tmp_path: Path) -> None:
    client, monitors = watched.client, watched.client.quality_monitors
    watched.job(str(tmp_path), tags={"quality_monitor": table.replace(".", "_")})
    (tmp_path / "hold").touch()
    first, second = monitors.run_refresh(table), monitors.run_refresh(table)
    eventually((tmp_path / "running").exists)
    assert state_of(client, table, first) is MonitorRefreshInfoState.RUNNING
    assert state_of(client, table, second) is MonitorRefreshInfoState.PENDING
    (tmp_path / "hold").unlink()
    assert [ended(client, table, each).state.value for each in (first, second)] == ["SUCCESS", "SUCCESS"]
    assert (tmp_path / "done").read_text() == "xx"
    listed = monitors.list_refreshes(table).refreshes or []
    assert [each.refresh_id for each in listed] == [second.refresh_id, first.refresh_id]
    (tmp_path / "fail").touch()
    failed = ended(client, table, monitors.run_refresh(table))
    assert failed.state is MonitorRefreshInfoState.FAILED
    assert "Workload failed" in (failed.message or "")


def test_a_refresh_can_be_cancelled_while_it_runs_and_while_it_waits(
    watched: Watched, table: str, tmp_path: Path
) -> None:
    client, monitors = watched.client, watched.client.quality_monitors
    job_id = watched.job(str(tmp_path), tags={"quality_monitor": table.replace(".", "_")})
    (tmp_path / "hold").touch()
    first, second = monitors.run_refresh(table), monitors.run_refresh(table)
    eventually((tmp_path / "running").exists)
    for refresh in (second, first):
        monitors.cancel_refresh(table, refresh.refresh_id)
        assert ended(client, table, refresh).state is MonitorRefreshInfoState.CANCELED
    assert len(list(client.jobs.list_runs(job_id=job_id))) == 1
    with pytest.raises(BadRequest, match="has ended already: it is CANCELED"):
        monitors.cancel_refresh(table, first.refresh_id)


def test_a_schedule_refreshes_by_the_workspaces_clock(watched: Watched, table: str, tmp_path: Path) -> None:
    monitors = watched.client.quality_monitors
    watched.job(str(tmp_path), tags={"quality_monitor": table.replace(".", "_")})
    monitors.update(table, "dev.hrob", schedule=uc.MonitorCronSchedule("0 0 6 * * ?", "Europe/Prague"))
    watched.advance(days=3)  # three moments that pass at once are one refresh
    [refresh] = monitors.list_refreshes(table).refreshes or []
    assert refresh.trigger is uc.MonitorRefreshInfoTrigger.SCHEDULE
    assert ended(watched.client, table, refresh).state is MonitorRefreshInfoState.SUCCESS
    monitors.update(table, "dev.hrob")
    watched.advance(days=1)
    assert len(monitors.list_refreshes(table).refreshes or []) == 1


def test_who_may_do_what(watched: Watched, table: str) -> None:
    made = watched.client.service_principals.create(display_name="reader")
    reader = watched.as_service_principal("reader").quality_monitors
    name = made.application_id or ""
    grants = watched.client.grants
    with pytest.raises(PermissionDenied, match="USE CATALOG"):
        reader.get(table)
    for kind, on, privilege in (
        ("catalog", "dev", uc.Privilege.USE_CATALOG),
        ("schema", "dev.hrob", uc.Privilege.USE_SCHEMA),
        ("table", table, uc.Privilege.SELECT),
    ):
        grants.update(kind, on, changes=[uc.PermissionsChange(principal=name, add=[privilege])])
    assert reader.get(table) == watched.client.quality_monitors.get(table)
    assert reader.list_refreshes(table).refreshes in (None, [])
    with pytest.raises(PermissionDenied, match="MANAGE"):
        reader.run_refresh(table)
    grants.update("table", table, changes=[uc.PermissionsChange(principal=name, add=[uc.Privilege.MANAGE])])
    with pytest.raises(PermissionDenied, match="Only admin@localhost, who created the monitor"):
        reader.update(table, "dev.hrob")
    reader.run_refresh(table)


@pytest.mark.faults
def test_refreshes_outlive_a_kill(watched: Watched, table: str, tmp_path: Path) -> None:
    """The one at work fails with its run; the one that waits begins after the start."""
    client, monitors = watched.client, watched.client.quality_monitors
    watched.job(str(tmp_path), tags={"quality_monitor": table.replace(".", "_")})
    (tmp_path / "hold").touch()
    first, second = monitors.run_refresh(table), monitors.run_refresh(table)
    eventually((tmp_path / "running").exists)
    os.kill(watched.running.record.pid, signal.SIGKILL)
    eventually(lambda: not watched.running.record.alive)
    (tmp_path / "running").rmdir()
    launch.start(watched.running.data_dir)  # at the same port, with the same token
    stopped = ended(client, table, first)
    assert stopped.state is MonitorRefreshInfoState.FAILED
    assert "workspace was stopped" in (stopped.message or "")
    eventually((tmp_path / "running").exists)
    (tmp_path / "hold").unlink()
    assert ended(client, table, second).state is MonitorRefreshInfoState.SUCCESS
    assert (tmp_path / "done").read_text() == "x"
    assert monitors.get(table).status is MonitorInfoStatus.MONITOR_STATUS_ACTIVE
