from __future__ import annotations

import datetime
from collections import Counter
from typing import Any

import pytest

from ml_code.platform import tables
from ml_code.platform.volumes import Volume
from ml_code.projects.hrob import features, ingest, land
from ml_code.projects.hrob.configuration import read_project
from tests.ml_code.conftest import ROOT, Place

THROUGH = datetime.date(2026, 1, 6)


@pytest.fixture
def volume(place: Place) -> Volume:
    context = place.context("hrob.land", THROUGH)
    land.run(context, through=THROUGH)
    return Volume(context.workspace, context.volume("landing"))


def rows(place: Place, table: str) -> list[dict[str, Any]]:
    context = place.context("test", THROUGH)
    return [row.asDict() for row in context.spark.table(context.table(table)).collect()]


def expected() -> int:
    landing = read_project(ROOT, "dev").parameters.landing
    return int((land.sample_births(landing)["record_date"] <= THROUGH).sum())


def test_twice_is_once_and_only_new_files_are_read(place: Place, volume: Volume) -> None:
    context = place.context("hrob.ingest", THROUGH)
    first = ingest.run(context)
    version = tables.version(context.spark, context.table("births"))
    again = ingest.run(context)
    assert (first.files, first.rows, again.files) == (6, expected(), 0)
    assert tables.version(context.spark, context.table("births")) == version
    land.run(context, through=datetime.date(2026, 1, 8))
    assert ingest.run(context).files == 2
    counts = Counter(row["birth_id"] for row in rows(place, "births"))
    assert set(counts.values()) == {1}


def test_bad_files_are_set_aside_with_the_reason_and_the_rest_goes_on(place: Place, volume: Volume) -> None:
    good = volume.read("births-2026-01-02.csv")
    volume.write("births-2026-02-01.csv", good.replace(b",mage,", b",age,"))
    volume.write("births-2026-02-02.csv", good.replace(b"2026-01-02,", b"2026-01-02,x", 1))
    volume.write("births-2026-02-03.csv", b"\x00\xff\xfenot a csv\x00")
    context = place.context("hrob.ingest", THROUGH)
    done = ingest.run(context)
    assert done.rows == expected()
    assert done.quarantined["births-2026-02-01.csv"] == "column mage is missing"
    assert "expected an integer" in done.quarantined["births-2026-02-02.csv"]
    assert len(done.quarantined) == 3
    left = {file.name for file in volume.files()}
    aside = {file.name for file in Volume(volume.workspace, f"{volume.path}/quarantine").files()}
    assert aside == set(done.quarantined)
    assert not left & aside
    log = {row["file"]: row for row in rows(place, "landing_files")}
    assert log["births-2026-02-01.csv"]["status"] == "quarantined"
    assert log["births-2026-02-01.csv"]["reason"] == "column mage is missing"
    assert log["births-2026-02-01.csv"]["moved_to"].endswith("/landing/quarantine/births-2026-02-01.csv")
    assert log["births-2026-01-02.csv"]["status"] == "ingested"

    volume.write("births-2026-02-01.csv", b"".join(good.splitlines(keepends=True)[:1]))
    assert ingest.run(context).files == 1, "a file that comes again after it was set aside is new"


@pytest.mark.parametrize("moment", ["_merge_births", "_log_files"])
def test_killed_in_the_middle_then_run_again_is_once(
    place: Place, volume: Volume, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """The run dies right after it has merged, or right after it has logged; nothing of it was undone."""
    volume.write("births-2026-02-03.csv", b"no header that we know\n")
    real = getattr(ingest, moment)

    def dies(*arguments: Any) -> Any:
        real(*arguments)
        raise KeyboardInterrupt

    context = place.context("hrob.ingest", THROUGH)
    with monkeypatch.context() as patch:
        patch.setattr(ingest, moment, dies)
        with pytest.raises(KeyboardInterrupt):
            ingest.run(context)
    ingest.run(context)
    assert len(rows(place, "births")) == expected()
    log = [row["file"] for row in rows(place, "landing_files")]
    assert len(log) == len(set(log)) == 7
    assert [file.name for file in Volume(volume.workspace, f"{volume.path}/quarantine").files()]


def test_a_later_file_corrects_a_birth_and_the_features_follow(place: Place, volume: Volume) -> None:
    context = place.context("hrob.features", THROUGH)
    ingest.run(context)
    assert features.run(context).features.mode == "appended"
    again = features.run(context)
    assert (again.features.mode, again.labels.mode) == ("unchanged", "unchanged")
    assert again.primary_key_declared

    header, first, *_ = volume.read("births-2026-01-02.csv").splitlines(keepends=True)
    names, values = header.decode().strip().split(","), first.decode().strip().split(",")
    values[names.index("mage")] = "44"
    volume.write("births-2026-01-06-correction.csv", header + ",".join(values).encode() + b"\n")
    ingest.run(context)
    assert features.run(context).features.mode == "merged"
    corrected = {row["birth_id"]: row for row in rows(place, "features")}
    assert corrected[values[0]]["mother_age"] == 44
    assert len(corrected) == expected()


def test_the_feature_table_describes_itself(place: Place, volume: Volume) -> None:
    context = place.context("hrob.features", THROUGH)
    ingest.run(context)
    features.run(context)
    table = context.workspace.tables.get(context.table("features"))
    comments = {column.name: column.comment for column in table.columns or []}
    assert table.comment
    assert comments["care_start_month"] == "month in which prenatal care began (prenatal_care)"
    assert not [name for name, comment in comments.items() if not comment]
    constraint = (table.table_constraints or [])[0].primary_key_constraint
    assert constraint is not None
    assert constraint.child_columns == ["birth_id"]


def test_an_empty_landing_is_fine(place: Place) -> None:
    context = place.context("hrob.ingest", "2026-01-01")
    assert ingest.run(context).rows == 0
    assert features.run(context).features.mode == "unchanged"
