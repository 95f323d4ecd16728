from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from ml_code.platform.evaluation.intervals import Estimate
from ml_code.platform.registry.findings import Finding, at_least, at_most, not_judged
from ml_code.platform.registry.promotion import Verdict, decide

VALUES = st.floats(0, 1)


def estimate(value: float) -> Estimate:
    return Estimate(value, value - 0.1, value + 0.1)


def verdict(
    candidate: float, champion: float | None, floor: float, threshold: float, conditions: tuple[Finding, ...] = ()
) -> Verdict:
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
        conditions=conditions,
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


@given(VALUES, st.none() | VALUES, VALUES, st.floats(-0.2, 0.2), st.floats(0, 2))
def test_a_missed_condition_refuses_and_nothing_else_about_it_matters(
    candidate: float, champion: float | None, floor: float, threshold: float, size: float
) -> None:
    condition = at_most("profile.size_mb", size, 1, "size (MB)")
    alone = verdict(candidate, champion, floor, threshold)
    found = verdict(candidate, champion, floor, threshold, (condition,))
    expected = "promote" if alone.decision == "promote" and size <= 1 else "refuse"
    assert found.decision == expected
    if alone.decision == "promote" and size > 1:
        assert found.reason == f"{alone.reason}, but {condition.words}"
    assert (found.decision == "refuse") == bool(found.missed())
    assert Verdict.from_dict(found.as_dict()) == found


def test_what_cannot_be_judged_does_not_refuse() -> None:
    unknown = (not_judged("fairness.group.calibration_error", 0.1, "too few"), at_least("x", math.nan, 1, "ratio"))
    assert verdict(0.7, 0.5, 0.6, 0.01, unknown).decision == "promote"
    assert [finding.outcome for finding in unknown] == ["not judged"] * 2


@given(VALUES | st.just(math.nan), st.none() | VALUES)
def test_a_verdict_survives_its_way_as_a_task_value(candidate: float, champion: float | None) -> None:
    before = verdict(candidate, champion, 0.5, 0.01)
    after = Verdict.from_dict(before.as_dict())
    assert after.as_dict() == before.as_dict()
    assert after.sentence() == before.sentence()
