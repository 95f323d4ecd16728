"""Deployment records in a workspace."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest

from ci.deployments.record import HookResult, deployment_id
from ci.deployments.store import Deployments
from ci.errors import Trouble
from ci.target import Target
from infra.settings import load_settings
from infra.workspace import launch
from infra.workspace.launch import Running
from tests.ci.deployments.records import record


@pytest.fixture
def deployments(workspace: Running) -> Iterator[Deployments]:
    """Of dev, in a workspace where it has none."""
    client = Target(workspace.url, launch.environment(workspace)).client()
    yield Deployments(client, load_settings("dev", variables={"BRANCH": "dev"}))
    if "/branchline" in [found.path for found in client.workspace.list("/")]:
        client.workspace.delete("/branchline", recursive=True)


def test_an_environment_that_was_never_deployed_has_no_records(deployments: Deployments) -> None:
    assert deployments.all() == []
    assert deployments.latest() is deployments.latest_applied() is None
    with pytest.raises(Trouble, match="no deployment '20261120T110000Z-aaaaaaaa'"):
        deployments.get("20261120T110000Z-aaaaaaaa")


def test_records_are_read_back_as_written_oldest_first(deployments: Deployments) -> None:
    later = record(id="20261121T000000Z-bbbbbbbb", state="failed", left=("dev: databricks_job.a",))
    hook = HookResult(name="train", kind="run_job", state="failed", run_id=7, message="no rows")
    earlier = record(hooks=(hook,))
    deployments.write(later)
    deployments.write(earlier)
    assert deployments.all() == [earlier, later]
    assert deployments.latest() == later
    assert deployments.latest_applied() == earlier
    deployments.write(later.model_copy(update={"state": "applied"}))
    assert deployments.latest_applied().id == later.id
    assert len(deployments.all()) == 2


def test_what_is_no_record_is_named_and_keys_of_later_versions_are_ignored(deployments: Deployments) -> None:
    known = record()
    deployments.write(known)
    client, path = deployments._client, deployments.path("20261122T000000Z-cccccccc")
    newer = {**json.loads(known.model_dump_json()), "weather": "fine"}
    _upload(client, path, json.dumps(newer))
    assert deployments.latest() == known
    _upload(client, path, "{}")
    with pytest.raises(Trouble, match=r"cccccccc\.json is not a deployment record"):
        deployments.latest()


def test_only_a_deployment_with_every_hook_done_is_complete() -> None:
    states = {
        state: record(hooks=(HookResult(name="x", kind="run_job", state=state),)).complete
        for state in ("succeeded", "skipped", "failed", "pending")
    }
    assert states == {"succeeded": True, "skipped": True, "failed": False, "pending": False}
    assert not record(state="applying").complete


def test_ids_sort_by_time_whatever_the_zone() -> None:
    moment = datetime(2026, 11, 20, 23, 30, tzinfo=timezone(timedelta(hours=2)))
    assert deployment_id("abcdef1234", moment) == "20261120T213000Z-abcdef12"
    assert deployment_id("0", moment) < deployment_id("0", datetime(2026, 11, 21, tzinfo=UTC))


def _upload(client, path: str, text: str) -> None:  # type: ignore[no-untyped-def] # the SDK's client
    from databricks.sdk.service.workspace import ImportFormat

    client.workspace.upload(path, text.encode(), format=ImportFormat.RAW, overwrite=True)
