from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from ml_code.platform.evaluation.intervals import Estimate
from ml_code.platform.registry.promotion import Verdict, decide

VALUES = st.floats(0, 1)


def estimate(value: float) -> Estimate:
    return Estimate(value, value - 0.1, value + 0.1)


def verdict(candidate: float, champion: float | None, floor: float, threshold: float) -> Verdict:
    return decide(
        metric="auc",
        floor=floor,
        threshold=threshold,
        version=2,
        candidate=estimate(candidate),
        rows=500,
        positives=40,
        champion_version=None if champion is None else 1,
        champion=None if champion is None else estimate(champion),
        difference=None if champion is None else estimate(candidate - champion),
    )


@given(VALUES, st.none() | VALUES, VALUES, st.floats(-0.2, 0.2))
def test_promoted_exactly_when_floor_and_threshold_are_met(
    candidate: float, champion: float | None, floor: float, threshold: float
) -> None:
    expected = candidate >= floor and (champion is None or candidate - champion >= threshold)
    assert verdict(candidate, champion, floor, threshold).decision == ("promote" if expected else "refuse")


@given(VALUES, VALUES, VALUES, st.floats(0, 0.2), st.floats(0, 1))
def test_a_better_candidate_never_fares_worse(
    candidate: float, champion: float, floor: float, threshold: float, more: float
) -> None:
    if verdict(candidate, champion, floor, threshold).decision == "promote":
        assert verdict(min(1, candidate + more), champion, floor, threshold).decision == "promote"


def test_an_undefined_metric_is_refused() -> None:
    assert verdict(math.nan, None, 0, 0).decision == "refuse"
    assert verdict(math.nan, 0.5, 0, -1).decision == "refuse"


def test_the_champion_itself_stays_as_it_is() -> None:
    same = decide(
        metric="auc",
        floor=0.9,
        threshold=0,
        version=1,
        candidate=estimate(0.6),
        rows=10,
        positives=2,
        champion_version=1,
        champion=estimate(0.6),
        difference=estimate(0),
    )
    assert same.decision == "unchanged"


@given(VALUES | st.just(math.nan), st.none() | VALUES)
def test_a_verdict_survives_its_way_as_a_task_value(candidate: float, champion: float | None) -> None:
    before = verdict(candidate, champion, 0.5, 0.01)
    after = Verdict.from_dict(before.as_dict())
    assert after.as_dict() == before.as_dict()
    assert after.sentence() == before.sentence()
