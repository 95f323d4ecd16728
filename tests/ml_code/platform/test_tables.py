from __future__ import annotations

import pytest

from ml_code.platform import tables
from ml_code.platform.tables import Column
from tests.ml_code.conftest import Place


def commit(place: Place, name: str, times: int) -> None:
    spark = place.context("test", "2026-01-01").spark
    for number in range(times):
        tables.append(spark, name, spark.createDataFrame([(number,)], "a int"))


def test_versions_are_found_and_read_after_many_commits(place: Place) -> None:
    context = place.context("test", "2026-01-01")
    name = context.table("many")
    tables.create_table(context.spark, name, [Column("a", "int")], "test")
    commit(place, name, 13)
    assert tables.version(context.spark, name) == 13
    assert [tables.as_of(context.spark, name, number).count() for number in (0, 5, 12)] == [0, 5, 12]


@pytest.mark.parametrize("commits", [9, 10, 12])
def test_the_newest_version_is_found_behind_a_checkpoint(place: Place, commits: int) -> None:
    context = place.context("test", "2026-01-01")
    name = context.table(f"checkpointed_{commits}")
    tables.run(context.spark, f"CREATE TABLE {name} (a int) USING delta")
    commit(place, name, commits)
    assert tables.version(context.spark, name) == commits
