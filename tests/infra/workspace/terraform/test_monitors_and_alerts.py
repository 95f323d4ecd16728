"""Monitors, alerts and notification destinations by the real terraform."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from databricks.sdk.errors import NotFound

from infra.workspace.launch import Running
from tests.support.watched import Watched

from .conftest import Project

HCL = Path(__file__).with_name("monitors_and_alerts.tf").read_text(encoding="utf-8")
CATALOG = "terraform_test_watching"
DESTINATIONS = "/api/2.0/notification-destinations"
HOOK = "databricks_notification_destination.hook"
SECRET = {HOOK, "databricks_notification_destination.slack"}  # an import cannot know what is secret
WATCHING = {"databricks_quality_monitor.log", "databricks_lakehouse_monitor.births", "databricks_alert_v2.drift"}


@pytest.fixture
def watched(workspace: Running) -> Iterator[Watched]:
    found = Watched(workspace)
    found.client.catalogs.create(CATALOG)
    found.client.schemas.create("hrob", CATALOG)
    log = {"timestamp": "timestamp", "model_version": "string", "prediction": "double", "mother_group": "string"}
    found.table(f"{CATALOG}.hrob.inference_log", log)
    found.table(f"{CATALOG}.hrob.births", {"id": "bigint", "age": "int"})
    yield found
    found.client.catalogs.delete(CATALOG, force=True)


def test_the_life_of_monitors_and_alerts(project: Callable[..., Project], watched: Watched) -> None:
    made = project().write(HCL)
    try:
        made.apply()
        assert made.changes() == {}
        made.environment["TF_VAR_v"] = "2"
        assert made.changes() == {each: ["update"] for each in WATCHING | SECRET}
        made.apply()
        assert made.changes() == {}
        state = made.state()
        assert state["databricks_quality_monitor.log"]["monitor_version"] == 2
        assert "made up" not in json.dumps(watched.running.call("GET", f"{DESTINATIONS}/{state[HOOK]['id']}"))
        imports = "".join(f'import {{\n  to = {each}\n  id = "{of["id"]}"\n}}\n' for each, of in state.items())
        assert set(project("second", TF_VAR_v="2").write(HCL + imports).changes()) == SECRET
    finally:
        made.destroy()
    assert list(watched.client.alerts_v2.list_alerts()) == []
    with pytest.raises(NotFound, match="Data Monitor"):
        watched.client.quality_monitors.get(f"{CATALOG}.hrob.births")
