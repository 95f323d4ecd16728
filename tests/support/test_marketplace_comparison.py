"""The comparison that the marketplace is measured by sees each kind of loss, and none where nothing is lost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.support.marketplace_comparison import ASPECTS, Found, Kept, compare


def _version(number: int, **changed: Any) -> Found:
    run = {
        "history": {"loss": [(0, 1000, 0.5), (1, 2000, 0.25)]},
        "times": (1000, 61_000),
        "datasets": [("births", "1", "s3://births")],
        "params": {"depth": "8"},
        "tags": {"kind": "forest"},
        "artifacts": {"report.html": "aa"},
    }
    content = f"model {number}"
    found = Found(
        number=number,
        model=content,
        predictions=(float(number),),
        own_model=content,
        aliases=frozenset({"champion"} if number == 2 else ()),
        tags={"reviewed": "yes"},
        description="a forest",
        run_id=f"run {number}",
        run=run,
    )
    return replace(found, **changed)


_SOURCE = [_version(1), _version(2)]


def _compared(*arrived: Found, source: list[Found] = _SOURCE) -> Kept:
    return compare({"risk": source}, {"hub__risk": list(arrived)}, "hub__{}".format)


def test_what_arrives_whole_lost_nothing_and_every_aspect_was_looked_at() -> None:
    tagged = [
        _version(1, tags={"reviewed": "yes", "origin": "east"}, description="Exported, formerly: a forest"),
        _version(2),
    ]
    kept = _compared(*tagged)
    assert kept.lost == {}
    assert set(kept.of) == set(ASPECTS)


def test_what_never_arrived_counts_in_every_aspect_of_a_version() -> None:
    kept = _compared()
    assert kept.kept["versions"] == kept.kept["metric history"] == kept.kept["predictions"] == 0
    assert kept.of["versions"] == 2
    assert kept.lost["versions"] == "risk 1"
    assert kept.lost["order"] == "risk"


def test_another_order_is_no_loss_of_versions() -> None:
    kept = _compared(replace(_version(2), number=1), replace(_version(1), number=2))
    assert set(kept.lost) == {"order"}


def test_a_version_twice_is_told() -> None:
    kept = _compared(_version(1), _version(2), replace(_version(2), number=3, run_id="run 3"))
    assert kept.lost == {"doubled": "risk: 3 versions of 2", "runs doubled": "risk: 3 runs of 2"}


def test_two_versions_of_one_model_need_two() -> None:
    twice = [_version(1), replace(_version(1), number=2)]
    assert _compared(*twice, source=twice).lost == {}
    assert _compared(_version(1), source=twice).lost["versions"] == "risk 2"


@pytest.mark.parametrize(
    ("aspect", "changed"),
    [
        ("predictions", {"predictions": (0.0,)}),
        ("model of its own", {"own_model": "model 2"}),
        ("aliases", {"aliases": frozenset({"challenger"})}),
        ("tags and description", {"tags": {}}),
        ("tags and description", {"description": ""}),
        ("metric history", {"history": {"loss": [(0, 1000, 0.5)]}}),
        ("metric history", {"history": {"loss": [(0, 1000, 0.5), (0, 2000, 0.25)]}}),
        ("run's times", {"times": (5, 6)}),
        ("datasets", {"datasets": []}),
        ("parameters", {"params": {}}),
        ("run's tags", {"tags_of_run": {}}),
        ("artifacts", {"artifacts": {"report.html": "bb"}}),
    ],
)
def test_each_loss_is_seen_and_no_other(aspect: str, changed: dict[str, Any]) -> None:
    of_version = {key: value for key, value in changed.items() if key in Found.__dataclass_fields__}
    of_run = {key.removesuffix("_of_run"): value for key, value in changed.items() if key not in of_version}
    arrived = _version(1, **of_version)
    arrived = replace(arrived, run={**arrived.run, **of_run})
    assert set(_compared(arrived, _version(2)).lost) == {aspect}
