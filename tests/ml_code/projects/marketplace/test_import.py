"""The step: rows of the import table for all that was chosen, and an honest end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ml_code.platform.errors import ConfigurationError, StepError
from ml_code.platform.marketplace.archive.archive import Leased
from ml_code.platform.marketplace.hub.importing import Imported
from ml_code.platform.marketplace.hub.outcome import write_rows
from ml_code.projects.marketplace import import_
from tests.ml_code.conftest import Place, Services
from tests.ml_code.platform.marketplace.hub.conftest import Hub, Origins, hub, origins
from tests.ml_code.platform.marketplace.hub.test_choice import record

__all__ = ["hub", "origins"]
DAY = "2026-03-14"


class Step:
    """The step on a place's schema, and the rows that it wrote."""

    def __init__(self, place: Place, origins: Origins) -> None:
        self.place = place
        self.context = place.context("marketplace.import", DAY, run_id="77")
        self.parameters: dict[str, Any] = {
            "archive": str(origins.folder), "archive_secret": "", "registry": "unity_catalog", "since": "",
            "workspaces": "*", "naming": "{workspace}__{model}", "concurrency": 4, "dry_run": False,
        }  # fmt: skip

    def run(self, **parameters: Any) -> list[Any]:
        return import_.run(self.context, **{**self.parameters, **parameters})

    def rows(self) -> list[tuple[Any, ...]]:
        found = self.context.spark.table(self.context.table("imports")).collect()
        keys = ("workspace", "model", "version", "hub_model", "hub_version", "status")
        return sorted(tuple(row[key] for key in keys) for row in found)


@pytest.fixture
def step(place: Place, origins: Origins) -> Step:
    return Step(place, origins)


def test_the_days_versions_are_imported_and_every_one_has_its_row(step: Step, hub: Hub, origins: Origins) -> None:
    good, torn = origins.version("good", 1), origins.version("torn", 1)
    for chosen in (good, torn):
        record(origins.archive, chosen, step.context.date)
    origins.damage(torn, "data/weights.bin")

    with pytest.raises(StepError, match=r"1 of 2 versions were not imported: dev01's torn 1 refused: .*weights"):
        step.run()

    assert step.rows() == [
        ("dev01", "good", 1, hub.name("good"), 1, "imported"),
        ("dev01", "torn", 1, hub.name("torn"), None, "refused"),
    ]
    with pytest.raises(StepError):
        step.run()
    assert [row[-1] for row in step.rows()] == ["skipped", "refused"]  # the same job run: its rows are replaced
    assert len(hub.versions(hub.name("good"))) == 1


def test_what_cannot_be_asked_for_is_told(step: Step, services: Services, origins: Origins) -> None:
    record(origins.archive, origins.version("any", 1), step.context.date)

    with pytest.raises(ConfigurationError, match="naming"):
        step.run(naming="{team}_{model}")
    with pytest.raises(StepError, match="since '14 March'"):
        step.run(since="14 March")
    with pytest.raises(StepError, match="is after the date"):
        step.run(since="2026-03-15")
    with pytest.raises(StepError, match="no exports of nowhere"):
        step.run(workspaces="nowhere")
    with pytest.raises(StepError, match="no archive of the marketplace"):
        step.run(archive=f"{origins.folder}-not")


def test_one_import_of_a_hub_at_a_time(step: Step, origins: Origins, monkeypatch: pytest.MonkeyPatch) -> None:
    record(origins.archive, origins.version("waits", 1), step.context.date)
    monkeypatch.setattr(import_, "LEASE_SECONDS", 0.3)

    name = f"import-{step.context.catalog}.{step.context.schema}"
    with origins.archive.lease(name, 60), pytest.raises(Leased, match=name):
        step.run()

    assert [each.status for each in step.run()] == ["imported"]


def test_a_dry_run_writes_no_row(step: Step, origins: Origins, capsys: pytest.CaptureFixture[str]) -> None:
    record(origins.archive, origins.version("dry", 1), step.context.date)

    step.run(dry_run=True)

    assert "dry run: dev01's dry 1 would be imported as" in capsys.readouterr().out
    assert not step.context.spark.catalog.tableExists(step.context.table("imports"))


def test_what_was_exported_after_the_last_import_had_looked_is_taken_by_the_next(
    step: Step, hub: Hub, origins: Origins
) -> None:
    monday = step.context.date
    record(origins.archive, origins.version("early", 1), monday)
    step.run()
    record(origins.archive, origins.version("late", 1), monday)
    record(origins.archive, origins.version("next", 1), monday + timedelta(days=2))
    step.context = step.place.context("marketplace.import", monday + timedelta(days=2), run_id="78")

    imported = step.run()

    assert [each.chosen.model for each in imported] == ["late", "next"]
    assert [row[1] for row in step.rows()] == ["early", "late", "next"]
    assert [each.chosen.model for each in step.run(since=str(monday))] == ["early", "late", "next"]


def test_what_failed_twice_is_tried_a_third_time(step: Step, origins: Origins) -> None:
    monday = step.context.date
    chosen = origins.version("stubborn", 1)
    record(origins.archive, chosen, monday)
    failed = Imported(chosen, "failed", "the server was away", None, None, 0.1, datetime.now(UTC))
    for day in range(2):
        table = step.context.table("imports")
        write_rows(step.context.spark, table, [failed], monday + timedelta(days=day), f"8{day}")
    step.context = step.place.context("marketplace.import", monday + timedelta(days=2), run_id="90")

    assert [(each.chosen.model, each.status) for each in step.run()] == [("stubborn", "imported")]
    assert step.run(workspaces="dev*") == []
