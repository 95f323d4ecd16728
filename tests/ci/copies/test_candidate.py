"""The promotion rule beside the environment's champion, and what a pull request reads of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci.copies.candidate import Candidate, Estimate, Version, candidate_as_markdown, judge, measured
from ci.models.compare import Training


def version(auc: float, model: str = "dev.hrob_feature_x.risk", number: int = 1) -> Version:
    return Version(
        model=model,
        version=number,
        mlflow_run="r",
        rows=500,
        positives=20,
        metrics={"auc": Estimate(value=auc, low=auc - 0.1, high=auc + 0.1)},
    )


def candidate(champion: Version | None, *, same_rows: bool = False) -> Candidate:
    ours = version(0.7)
    verdict, reason = judge(ours, champion, 0.5, 0.01)
    return Candidate(
        branch="feature/x",
        commit="a" * 40,
        environment="dev",
        job_run=12,
        candidate=ours,
        champion=champion,
        same_rows=same_rows,
        floor=0.5,
        threshold=0.01,
        verdict=verdict,
        reason=reason,
    )


@given(ours=st.floats(0, 1), theirs=st.none() | st.floats(0, 1), floor=st.floats(0, 1), threshold=st.floats(0, 1))
def test_nothing_below_the_floor_and_nothing_within_the_threshold_is_promoted(
    ours: float, theirs: float | None, floor: float, threshold: float
) -> None:
    champion = None if theirs is None else version(theirs)
    decision, _ = judge(version(ours), champion, floor, threshold)
    assert (decision == "promote") == (ours >= floor and (theirs is None or ours - theirs >= threshold))


def test_what_was_not_measured_is_refused() -> None:
    unmeasured = version(0.9).model_copy(update={"metrics": {}})
    assert judge(unmeasured, None, 0.5, 0.01) == ("refuse", "auc was not measured")


def test_only_metrics_of_held_out_rows_count() -> None:
    logged = {
        "test_auc": 0.6,
        "test_auc_low": 0.5,
        "test_auc_high": 0.7,
        "test_rows": 517.0,
        "test_positives": 24.0,
        "validation_auc": 0.9,
        "champion_test_auc": 0.8,
    }
    found = measured("m", 3, Training("version 3", "run", logged, {}), {"data_digest": "d"})
    assert found.metrics == {"auc": Estimate(value=0.6, low=0.5, high=0.7)}
    assert (found.rows, found.positives, found.data_digest) == (517, 24, "d")


def test_the_comment_says_verdict_numbers_and_rows() -> None:
    text = candidate_as_markdown(candidate(version(0.65, "dev.hrob.risk", 4), same_rows=True))
    assert "The candidate **would be promoted** in dev: auc differs from the champion's by +0.050" in text
    assert "| auc | 0.700 [0.600, 0.800] | 0.650 [0.550, 0.750] |" in text
    assert "champion, `dev.hrob.risk` v4" in text
    assert "measured on the same rows" in text


def test_the_comment_does_not_compare_what_cannot_be_compared() -> None:
    assert "an indication only" in candidate_as_markdown(candidate(version(0.65), same_rows=False))
    without = candidate_as_markdown(candidate(None))
    assert "no champion yet" in without
    assert "| auc | 0.700 [0.600, 0.800] | – |" in without


def test_the_evidence_is_read_back_as_it_was_written() -> None:
    found = candidate(version(0.65))
    assert Candidate.model_validate_json(found.model_dump_json()) == found


def test_a_branch_cannot_break_out_of_the_comment() -> None:
    hostile = candidate(None).model_copy(update={"branch": "feature/<script>`x`|y"})
    first = candidate_as_markdown(hostile).splitlines()[0]
    assert "<script>" not in first


@pytest.mark.parametrize("low", [None, 0.1])
def test_an_estimate_without_both_ends_has_no_interval(low: float | None) -> None:
    assert str(Estimate(value=0.5, low=low)) == "0.500"
