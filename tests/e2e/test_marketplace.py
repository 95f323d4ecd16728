"""A hub and two sources on three local workspaces: deployed, filled, gathered, approved, used, and the day after."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.clone import run
from tests.support.marketplace import Market

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

SOURCES = (
    {"name": "east", "grants": ["prod"]},
    {"name": "west", "grants": ["lab.models"]},
)
EAST, WEST = "prod.wards.readmission", "lab.models.readmission"
DAY, NEXT = "2026-11-20", "2026-11-21"


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    market = Market(tmp_path_factory.mktemp("market"), SOURCES)
    try:
        for source, model in (("east", EAST), ("west", WEST)):
            catalog, schema, _ = model.split(".")
            market.make_readers(source)
            market.make_catalog(source, catalog, schema)
        market.deploy_hub()
        for name in ("east", "west"):
            market.apply(name)
        yield market
    finally:
        market.stop()


@pytest.mark.parametrize("name", ["hub", "east", "west"])
def test_a_plan_after_the_deployment_shows_nothing(market: Market, name: str) -> None:
    command = ["terraform", "plan", "-detailed-exitcode", "-no-color"]
    assert "No changes." in run(command, market.stack_folder(name), market.environment(name), timeout=120)


def test_the_first_day_gathers_both_workspaces(market: Market) -> None:
    market.train("east", EAST, 2.0)
    market.train("west", WEST, 3.0)
    for source in ("east", "west"):
        exported = market.run_job(source, "export", date=DAY)
        assert exported.result == "SUCCESS", exported
    imported = market.run_job("hub", "import", date=DAY)
    assert imported.result == "SUCCESS", imported
    assert market.predictions("hub", "marketplace.models.east__readmission@champion") == pytest.approx([2.0, 4.0])
    assert market.predictions("hub", "marketplace.models.west__readmission@champion") == pytest.approx([3.0, 6.0])
