"""A hub and two sources on three local workspaces: the daily cycle as the schedules start it, and the day after.

East's model is gathered, approved for West and brought there; West's is gathered alone. On the second day East has a
better version and nothing else has changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.browser import Browser
from tests.support.clone import run
from tests.support.deployment import Run
from tests.support.marketplace import READERS, Market

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

EAST, WEST = "prod.wards.readmission", "lab.models.sepsis"
STAYS, SCORES = "lab.models.stays", "lab.models.scores"
WANTED = {
    "model": "east__readmission",
    "name": "readmission",
    "deploy": "batch",
    "batch": {"input": STAYS, "output": SCORES},
}
SOURCES = (
    {"name": "east", "grants": ["prod"]},
    {"name": "west", "grants": ["lab.models"], "wanted": [WANTED]},
)
HUB_EAST, HUB_WEST = "marketplace.models.east__readmission", "marketplace.models.west__sepsis"
BROUGHT = "marketplace_west.models.readmission"


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    market = Market(tmp_path_factory.mktemp("market"), SOURCES)
    try:
        for name in market.workspaces:
            market.make_readers(name)
        for source, model in (("east", EAST), ("west", WEST)):
            catalog, schema, _ = model.split(".")
            market.make_catalog(source, catalog, schema)
        market.make_table("west", STAYS, [1.0, 4.0])
        market.deploy_hub()
        for name in ("east", "west"):
            market.apply(name)
        yield market
    finally:
        market.stop()


@pytest.fixture(scope="module")
def first_day(market: Market) -> date:
    """Tomorrow by the workspaces' clocks: all of its schedules are still to come."""
    return (market.now() + timedelta(days=1)).date()


@pytest.mark.parametrize("name", ["hub", "east", "west"])
def test_a_plan_after_the_deployment_shows_nothing(market: Market, name: str) -> None:
    command = ["terraform", "plan", "-detailed-exitcode", "-no-color"]
    assert "No changes." in run(command, market.stack_folder(name), market.environment(name), timeout=120)


def test_the_first_day_gathers_approves_shows_and_brings(market: Market, first_day: date, tmp_path: Path) -> None:
    market.train("east", EAST, 2.0)
    market.train("west", WEST, 3.0)
    until = first_day + timedelta(days=30)
    market.approve(
        {
            "model": "east__readmission",
            "principals": [READERS],
            "workspaces": ["west"],
            "until": until,
            "approved_by": "risk.board@example.com",
            "reason": "validated on the data of West's wards",
        }
    )
    _day(market, first_day)

    assert _statuses(market, first_day) == {("east", 1, "imported"), ("west", 1, "imported")}
    assert market.predictions("hub", f"{HUB_EAST}@champion") == pytest.approx([2.0, 4.0])
    assert market.predictions("hub", f"{HUB_WEST}@champion") == pytest.approx([3.0, 6.0])
    assert market.predictions("west", f"{BROUGHT}@champion") == pytest.approx([2.0, 4.0])
    assert [row["prediction"] for row in market.rows("west", SCORES)] == pytest.approx([2.0, 8.0])
    used = {(row["kind"], row["model"], row["workspace"]) for row in market.rows("hub", "marketplace.models.uses")}
    assert used == {(kind, "east__readmission", "west") for kind in ("brought", "batch")}
    description = _version(market, "east", EAST, 1)["comment"]
    assert description.startswith(f"Exported Already On {first_day}")
    page = Browser(market.workspaces["hub"], tmp_path).open("/marketplace").document
    assert "east__readmission" in page
    assert "west__sepsis" in page


def test_the_second_day_takes_what_is_new_and_nothing_twice(market: Market, first_day: date, tmp_path: Path) -> None:
    market.train("east", EAST, 5.0)
    day = first_day + timedelta(days=1)
    _day(market, day)

    assert _statuses(market, day) == {("east", 2, "imported")}
    assert market.predictions("hub", f"{HUB_EAST}@champion") == pytest.approx([5.0, 10.0])
    assert market.predictions("west", f"{BROUGHT}@champion") == pytest.approx([5.0, 10.0])
    assert [row["prediction"] for row in market.rows("west", SCORES)] == pytest.approx([5.0, 20.0])
    # What West brought is East's: it did not come back as a model of West.
    assert _versions(market) == {HUB_EAST: [1, 2], HUB_WEST: [1]}
    page = Browser(market.workspaces["hub"], tmp_path).open("/marketplace").document
    assert "east__readmission" in page


def test_an_approval_that_has_ended_ends_the_use(market: Market, first_day: date) -> None:
    """What was brought stays registered; who might use it may not any more, at the hub and where it was brought to."""
    assert READERS in _users(market, "hub", HUB_EAST)
    assert READERS in _users(market, "west", BROUGHT)
    after = first_day + timedelta(days=31)
    approved = market.run_job("hub", "approve", date=after.isoformat())
    assert approved.result == "SUCCESS", approved
    refused = market.run_job("west", "bring", date=after.isoformat())
    assert refused.result == "FAILED"
    assert "ended on" in refused.logs["bring"]
    assert READERS not in _users(market, "hub", HUB_EAST)
    assert READERS not in _users(market, "west", BROUGHT)


def test_taking_a_workspace_away_leaves_its_models_and_everybody_elses_rights(market: Market) -> None:
    call = market.workspaces["west"].call
    call(
        "PATCH",
        "/api/2.1/unity-catalog/permissions/schema/lab.models",
        json={"changes": [{"principal": READERS, "add": ["USE_SCHEMA"]}]},
    )
    market.destroy("west")
    assert call("GET", "/api/2.2/jobs/list").get("jobs", []) == []
    assert {each["name"] for each in call("GET", "/api/2.1/unity-catalog/catalogs")["catalogs"]} >= {"lab"}
    left = call("GET", "/api/2.1/unity-catalog/permissions/schema/lab.models")["privilege_assignments"]
    assert [each["principal"] for each in left] == [READERS]
    assert _version(market, "west", WEST, 1)["comment"].startswith("Exported Already On")
    assert _versions(market)[HUB_WEST] == [1], "the hub keeps what it gathered"


def _day(market: Market, day: date) -> None:
    """The day's schedules, in their order, by the workspaces' clocks alone."""
    _succeeded(market.begin_at(_at(day, 2), "export", "east", "west"))
    _succeeded(market.begin_at(_at(day, 4), "import", "hub"))
    _succeeded(market.begin_at(_at(day, 4, 30), "approve", "hub"))
    _succeeded(market.begin_at(_at(day, 6), "bring", "west"))
    _succeeded([market.run_job("west", "score-readmission", date=day.isoformat())])
    # The clocks are each workspace's own: the pages of this day already show its uses.
    _succeeded(market.begin_at(_at(day, 5), "catalogue", "hub"))


def _succeeded(runs: Sequence[Run]) -> None:
    for each in runs:
        assert each.result == "SUCCESS", each


def _at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.fromisoformat(f"{day}T{hour:02}:{minute:02}:00+00:00")


def _statuses(market: Market, day: date) -> set[tuple[str, int, str]]:
    """What the hub's table says of a day's versions that it looked at."""
    rows = market.rows("hub", "marketplace.models.imports")
    return {(row["workspace"], row["version"], row["status"]) for row in rows if row["date"] == day}


def _version(market: Market, name: str, model: str, version: int) -> dict[str, str]:
    path = f"/api/2.1/unity-catalog/models/{model}/versions/{version}"
    found: dict[str, str] = market.workspaces[name].call("GET", path)
    return found


def _versions(market: Market) -> dict[str, list[int]]:
    """The versions of all models of the hub."""
    call = market.workspaces["hub"].call
    models = call("GET", "/api/2.1/unity-catalog/models")["registered_models"]
    return {
        model["full_name"]: sorted(
            version["version"]
            for version in call("GET", f"/api/2.1/unity-catalog/models/{model['full_name']}/versions")["model_versions"]
        )
        for model in models
    }


def _users(market: Market, name: str, model: str) -> set[str]:
    """Who was given the model itself."""
    found = market.workspaces[name].call("GET", f"/api/2.1/unity-catalog/permissions/function/{model}")
    return {each["principal"] for each in found.get("privilege_assignments", []) if "EXECUTE" in each["privileges"]}
