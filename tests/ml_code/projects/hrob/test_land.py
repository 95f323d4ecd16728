from __future__ import annotations

import datetime
import io

import pandas as pd

from ml_code.platform.volumes import Volume
from ml_code.projects.hrob import land
from ml_code.projects.hrob.configuration import Landing
from tests.ml_code.conftest import Place

LANDING = Landing(volume="landing", first_day=datetime.date(2026, 1, 1), days=365)
LAST = datetime.date(2026, 12, 31)


def test_every_birth_of_the_sample_lands_once() -> None:
    files = land.day_files(land.sample_births(LANDING), LANDING, "births-", LAST)
    frames = [pd.read_csv(io.BytesIO(content)).assign(file=name) for name, content in files.items()]
    everything = pd.concat(frames)
    assert len(files) == 365
    assert len(everything) == everything["birth_id"].nunique() == 1832
    assert (everything["file"] == "births-" + everything["record_date"] + ".csv").all()
    assert (everything["bwght"] < 2500).sum() == 92


def test_an_empty_day_is_a_header_alone() -> None:
    files = land.day_files(land.sample_births(LANDING), LANDING, "births-", LAST)
    assert any(content.count(b"\n") == 1 for content in files.values())


def test_days_are_the_same_for_ever() -> None:
    # Pinned: a birth that changed its day would be landed twice.
    days = [land.simulated_day(f"bwght2:{number}", LANDING).isoformat() for number in range(3)]
    assert days == ["2026-07-22", "2026-09-14", "2026-08-11"]


def test_landing_twice_changes_nothing_and_later_days_are_added(place: Place) -> None:
    first = land.run(place.context("hrob.land", "2026-01-10"), through=datetime.date(2026, 1, 5))
    context = place.context("hrob.land", "2026-01-10")
    volume = Volume(context.workspace, context.volume("landing"))
    before = {file.name: volume.read(file.name) for file in volume.files()}
    again = land.run(context, through=datetime.date(2026, 1, 5))
    after = {file.name: volume.read(file.name) for file in volume.files()}
    assert (first.files, again.files, again.already_there) == (5, 0, 5)
    assert before == after
    assert land.run(context, through=datetime.date(2026, 1, 7)).files == 2


def test_nothing_lands_before_the_calendar(place: Place) -> None:
    assert land.run(place.context("hrob.land", "2025-06-01"), through=datetime.date(2025, 6, 1)).files == 0


def test_generated_files_say_so(place: Place) -> None:
    context = place.context("hrob.land", "2026-01-02")
    land.run(context, through=datetime.date(2026, 1, 2), source="generator", members=2000)
    names = [file.name for file in Volume(context.workspace, context.volume("landing")).files()]
    assert names == ["generated-2026-01-01.csv", "generated-2026-01-02.csv"]
