from __future__ import annotations

from collections import Counter

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from ml_code.platform.splits import HashSplit
from tests.ml_code.conftest import Place

SPLIT = HashSplit("salt", 60, 20)


@given(st.lists(st.text(min_size=1), unique=True))
def test_a_key_never_changes_sides(keys: list[str]) -> None:
    alone = {key: SPLIT.side(key) for key in keys}
    assert dict(zip(reversed(keys), SPLIT.sides(reversed(keys)), strict=True)) == alone


def test_shares_are_as_asked_and_a_salt_shuffles() -> None:
    keys = [f"b{number:05d}" for number in range(20_000)]
    shares = Counter(SPLIT.sides(keys))
    assert abs(shares["train"] / 20_000 - 0.6) < 0.02
    assert abs(shares["test"] / 20_000 - 0.2) < 0.02
    assert SPLIT.sides(keys) != HashSplit("other", 60, 20).sides(keys)


def test_known_sides() -> None:
    # Pinned: were these to change, champions would be measured on rows that they were trained on.
    keys = ["b00000", "b00001", "b00002", "b00003", "b00004", "g0000001"]
    assert HashSplit("hrob-2", 50, 20).sides(keys) == ["train", "train", "test", "train", "test", "train"]


def test_spark_holds_out_the_same_rows(place: Place) -> None:
    keys = [f"b{number:05d}" for number in range(500)] + ["ü", "a:b"]
    frame = place.context("test", "2026-01-01").spark.createDataFrame(pd.DataFrame({"key": keys}))
    held_out = {row["key"] for row in frame.where(SPLIT.held_out("key")).collect()}
    assert held_out == {key for key in keys if SPLIT.side(key) == "test"}
