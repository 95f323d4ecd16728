"""Rates and disparities against scikit-learn and fairlearn, and what must not change them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest
from fairlearn import metrics
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import recall_score, roc_auc_score

from ml_code.platform.evaluation.intervals import Resampling
from ml_code.platform.evaluation.metrics import Floats, calibration_error
from ml_code.platform.fairness import bootstrap
from ml_code.platform.fairness.assessment import NOT_RECORDED, Assessment, Least, assess, losses
from ml_code.platform.fairness.rates import DISPARITIES, RATES

LEAST = Least(rows=10, outcomes=2)
RESAMPLING = Resampling(60, 0.9, 7)


@dataclass(frozen=True)
class Members:
    groups: NDArray[np.object_]
    y: Floats
    p: Floats

    def assess(self, least: Least = LEAST, resampling: Resampling | None = None) -> Assessment:
        return assess("group", self.groups, self.y, self.p, 0.4, least, resampling)


def members(seed: int, count: int = 400) -> Members:
    rng = np.random.default_rng(seed)
    groups = rng.choice(["a", "b", "c", None], count, p=[0.5, 0.3, 0.15, 0.05]).astype(object)
    p = rng.beta(2, 3, count)
    return Members(groups, (rng.random(count) < p).astype(float), p)


def test_rates_and_disparities_are_those_of_the_libraries() -> None:
    some = members(1)
    found = some.assess()
    decided = (some.p >= 0.4).astype(int)
    for group in found.groups:
        at = some.groups == (None if group.name == NOT_RECORDED else group.name)
        assert group.rows == at.sum()
        assert group.rates["true_positive_rate"].value == pytest.approx(recall_score(some.y[at], decided[at]))
        assert group.rates["selection_rate"].value == pytest.approx(decided[at].mean())
        assert group.rates["calibration_gap"].value == pytest.approx(some.p[at].mean() - some.y[at].mean())
        assert group.rates["calibration_error"].value == pytest.approx(calibration_error(some.y[at], some.p[at]))
    known = np.array([group is not None for group in some.groups])
    for name in DISPARITIES:
        if theirs := getattr(metrics, name, None):
            expected = theirs(some.y[known], decided[known], sensitive_features=some.groups[known])
            assert found.disparities[name].value == pytest.approx(expected), name


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000))
def test_a_resample_of_the_rows_themselves_gives_fairlearns_values(seed: int) -> None:
    """The bootstrap's own formulas, fed with every row once."""
    some = members(seed, 150)

    class Same:
        def random(self, count: int) -> Floats:
            # The middle of each row's share of its group, in the order that the bootstrap sorts by.
            codes = np.sort(np.unique(names, return_inverse=True)[1])
            sizes = np.bincount(codes)
            within = np.arange(count) - np.concatenate([[0], np.cumsum(sizes)[:-1]])[codes]
            return np.asarray((within + 0.5) / sizes[codes])

    names = np.array([NOT_RECORDED if group is None else group for group in some.groups])
    codes = np.unique(names, return_inverse=True)[1]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bootstrap.np.random, "default_rng", lambda seed: Same())
        decided = (some.p >= 0.4).astype(float)
        drawn = bootstrap.resampled_rates(codes, some.y, some.p, decided, Resampling(1, 0.9, 0))
    found = some.assess(Least(1, 1))
    for place, group in enumerate(found.groups):
        for rate in RATES:
            np.testing.assert_allclose(drawn[rate][0, place], group.rates[rate].value, atol=1e-12, err_msg=rate)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000), st.permutations(["x", "y", "z"]))
def test_names_of_groups_do_not_matter(seed: int, names: list[str]) -> None:
    some = members(seed)
    renamed = dict(zip(["a", "b", "c"], names, strict=True))
    other = Members(np.array([renamed.get(group) for group in some.groups], dtype=object), some.y, some.p)
    first, second = some.assess(resampling=RESAMPLING), other.assess(resampling=RESAMPLING)
    assert str(first.disparities) == str(second.disparities)
    before = {renamed.get(group.name, NOT_RECORDED): str(group.rates) for group in first.groups}
    assert before == {group.name: str(group.rates) for group in second.groups}


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000))
def test_the_order_of_rows_does_not_matter(seed: int) -> None:
    some = members(seed)
    order = np.random.default_rng(seed).permutation(len(some.y))
    other = Members(some.groups[order], some.y[order], some.p[order])
    found = other.assess().disparities
    for name, value in some.assess().disparities.items():
        assert found[name].value == pytest.approx(value.value), name


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000))
def test_equal_groups_are_treated_equally_and_small_ones_not_judged(seed: int) -> None:
    some = members(seed, 100)
    twice = Members(
        np.array(["one"] * 100 + ["two"] * 100 + ["few"] * 9, dtype=object),
        np.concatenate([some.y, some.y, np.ones(9)]),
        np.concatenate([some.p, some.p, np.zeros(9)]),
    )
    found = twice.assess()
    few = next(group for group in found.groups if group.name == "few")
    assert not few.judged
    assert few.rates["true_positive_rate"].value == 0
    assert found.disparities["demographic_parity_ratio"].value == pytest.approx(1)
    for name in set(DISPARITIES) - {"demographic_parity_ratio", "calibration_error"}:
        assert found.disparities[name].value == pytest.approx(0), name


def test_intervals_hold_the_point_and_narrow_with_rows() -> None:
    resampling = Resampling(200, 0.95, 7)
    small, large = members(3, 400).assess(resampling=resampling), members(3, 6_400).assess(resampling=resampling)
    for one, other in zip(small.groups[:3], large.groups[:3], strict=True):
        for rate in ("selection_rate", "true_positive_rate", "mean_predicted", "calibration_gap"):
            narrow, wide = other.rates[rate], one.rates[rate]
            assert wide.low <= wide.value <= wide.high
            assert narrow.high - narrow.low < 0.5 * (wide.high - wide.low)


def test_what_cannot_be_judged_is_undefined() -> None:
    some = members(4)
    alone = assess("group", ["a"] * 50 + [None] * 350, some.y, some.p, 0.4, LEAST, RESAMPLING)
    assert all(math.isnan(value.value) for value in alone.disparities.values())
    without = assess("group", some.groups, np.zeros(400), some.p, 0.4, LEAST, RESAMPLING)
    assert math.isnan(without.disparities["equal_opportunity_difference"].value)
    assert math.isnan(without.groups[0].rates["true_positive_rate"].value)
    assert math.isfinite(without.disparities["demographic_parity_difference"].value)
    assert assess("group", [], np.empty(0), np.empty(0), 0.4, LEAST).groups == ()
    with pytest.raises(ValueError, match="group: 3 groups, 400 outcomes"):
        assess("group", ["a"] * 3, some.y, some.p, 0.4, LEAST)


def test_what_a_group_loses_against_the_champion() -> None:
    some = members(5)
    worse = np.where(some.groups == "b", 1 - some.p, some.p)
    found = losses(some.assess(), some.groups, some.y, worse, some.p, "auc", RESAMPLING)
    at = some.groups == "b"
    expected = roc_auc_score(some.y[at], some.p[at]) - roc_auc_score(some.y[at], worse[at])
    assert found["b"].value == pytest.approx(expected)
    assert found["a"].value == 0
    assert NOT_RECORDED not in found
