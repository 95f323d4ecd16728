"""The journal of creations: what was cut off is known after a restart, until it has been told of."""

from __future__ import annotations

from pathlib import Path

from infra.workspace.control.clock import Clock
from infra.workspace.store.database import Store
from infra.workspace.terraform.journal import Journal, name_of

SCHEMA = ("databricks_schema", "dev.hrob")


def _opened(tmp_path: Path) -> Journal:
    return Journal(Store(tmp_path / "db"), Clock())


def test_what_terraform_was_told_of_is_forgotten(tmp_path: Path) -> None:
    journal = _opened(tmp_path)
    assert journal.begin(*SCHEMA) is None
    journal.end(*SCHEMA, told=True)
    assert _opened(tmp_path).begin(*SCHEMA) is None


def test_what_a_kill_cut_off_is_named_and_keeps_its_beginning(tmp_path: Path) -> None:
    before = Clock().now_ms()
    _opened(tmp_path).begin(*SCHEMA)
    again = _opened(tmp_path)
    assert again.unfinished() == ["databricks_schema dev.hrob"]
    begun = again.begin(*SCHEMA)
    assert begun is not None
    assert before <= begun <= Clock().now_ms()
    assert again.unfinished() == [], "it is under way again"
    assert _opened(tmp_path).begin(*SCHEMA) == begun, "cut off twice"


def test_what_nobody_heard_of_counts_as_cut_off(tmp_path: Path) -> None:
    journal = _opened(tmp_path)
    journal.begin(*SCHEMA)
    journal.end(*SCHEMA, told=False)
    assert journal.begin(*SCHEMA) is not None


def test_a_creation_under_way_is_not_cut_off(tmp_path: Path) -> None:
    """Two deploys at once: the second one must not take over what the first one makes."""
    journal = _opened(tmp_path)
    journal.begin(*SCHEMA)
    assert journal.begin(*SCHEMA) is None
    assert journal.unfinished() == []


def test_names_are_those_that_people_know() -> None:
    assert name_of({"catalog_name": "dev", "schema_name": "hrob", "name": "risk", "comment": "x"}) == "dev.hrob.risk"
    assert name_of({"display_name": "branchline-dev", "active": True}) == "branchline-dev"
    assert name_of({"schema": "dev.hrob", "grant": []}) == ""
