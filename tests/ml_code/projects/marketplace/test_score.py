"""Scoring a table with a brought model: predictions are the model's, uses are counted, and approvals are asked."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest

from ml_code.platform import tables
from ml_code.platform.errors import StepError
from ml_code.platform.marketplace.consumers.wanted import NotApproved
from ml_code.platform.tables import Column
from ml_code.projects.marketplace import score
from ml_code.projects.marketplace.score import Scored
from tests.ml_code.projects.marketplace.test_bring import DAY, West, west

__all__ = ["west"]  # a fixture


def scored(west: West, day: datetime.date = DAY, run_id: str = "7", **more: Any) -> Scored:
    arguments: dict[str, Any] = {
        "workspace": "west",
        "archive": west.archive.url,
        "archive_secret": "",
        "registry": "unity_catalog",
        "model": "east__line",
        "name": "line",
        "input": west.full("stays"),
        "output": west.full("scores"),
        **more,
    }
    return score.run(west.place.context("marketplace.score", day, run_id=run_id), **arguments)


def test_a_table_is_scored_counted_once_and_only_while_approved(west: West) -> None:
    west.tell(champion=2)
    west.bring({"model": "east__line", "name": "line"})
    spark = west.place.context("marketplace.score", DAY).spark
    columns = [Column("id", "int"), Column("x", "double")]
    tables.create_table(spark, west.full("stays"), columns, "rows to score")
    tables.append(spark, west.full("stays"), spark.createDataFrame([(1, 1.0), (2, 2.5)], tables.ddl(columns)))

    assert scored(west) == Scored(west.full("line"), 1, 2)
    assert scored(west).rows == 2
    rows = tables.to_arrow(spark.table(west.full("scores"))).to_pylist()
    assert {row["id"]: round(row["prediction"], 6) for row in rows} == {1: 2.0, 2: 5.0}
    batch = [use for use in west.uses() if use["kind"] == "batch"]
    assert [(use["version"], use["count"], use["workspace"]) for use in batch] == [(2, 2, "west")]
    scored(west, run_id="8")
    assert len([use for use in west.uses() if use["kind"] == "batch"]) == 2

    with pytest.raises(NotApproved, match="ended on"):
        scored(west, DAY + datetime.timedelta(days=1))
    west.tell(champion=2, versions=(1,))
    with pytest.raises(NotApproved, match="version 2 is not approved for west any more"):
        scored(west)


def test_what_was_not_brought_is_not_scored_with(west: West, tmp_path: Path) -> None:
    west.tell()
    with pytest.raises(StepError, match="is not east__line of the marketplace: bring it first"):
        scored(west)
