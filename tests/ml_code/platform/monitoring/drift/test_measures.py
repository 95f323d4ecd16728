"""Each measure against scipy on the same data, and what happens where there is nothing to compare."""

from __future__ import annotations

import math
from dataclasses import asdict

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import jensenshannon

from ml_code.platform.data_checks.columns import prepare
from ml_code.platform.monitoring.drift.compare import DriftValues, compare
from ml_code.platform.monitoring.drift.kolmogorov_smirnov import kolmogorov_smirnov
from ml_code.platform.monitoring.drift.merging import steps
from ml_code.platform.monitoring.drift.population_stability_index import LEAST
from ml_code.platform.monitoring.drift.wasserstein import wasserstein

numbers = st.lists(
    st.one_of(st.integers(-3, 3).map(float), st.floats(-1e6, 1e6)), min_size=1, max_size=60
)  # ties and wide ranges both


def drift(present: object, baseline: object) -> DriftValues:
    return compare(prepare("x", pa.array(present)), prepare("x", pa.array(baseline)))


@pytest.mark.filterwarnings("ignore:ks_2samp. Exact calculation unsuccessful")
@settings(max_examples=60, deadline=None)
@given(present=numbers, baseline=numbers)
def test_rank_measures_equal_scipy(present: list[float], baseline: list[float]) -> None:
    found = drift(present, baseline)
    expected = stats.ks_2samp(present, baseline)
    assert found.ks_test is not None
    assert found.ks_test.statistic == pytest.approx(expected.statistic, abs=1e-12)
    assert found.ks_test.pvalue == pytest.approx(expected.pvalue, rel=1e-9)
    assert found.wasserstein_distance == pytest.approx(
        stats.wasserstein_distance(present, baseline), rel=1e-9, abs=1e-9
    )


@pytest.mark.parametrize(("n", "m"), [(12_000, 9_000), (300, 40_000), (60_000, 50_000)])
def test_large_samples_equal_scipys_asymptotic_test(n: int, m: int) -> None:
    rng = np.random.default_rng(n)
    for moved in (0.0, 0.01, 0.04):
        present, baseline = rng.normal(moved, 1, n), np.round(rng.normal(0, 1, m), 2)
        found = drift(present, baseline)
        expected = stats.ks_2samp(present, baseline, method="asymp")
        assert found.ks_test is not None
        assert found.ks_test.statistic == pytest.approx(expected.statistic, abs=1e-12)
        assert found.ks_test.pvalue == pytest.approx(expected.pvalue, rel=0.01, abs=1e-12)
        assert found.wasserstein_distance == pytest.approx(stats.wasserstein_distance(present, baseline), rel=1e-9)


@pytest.mark.filterwarnings("ignore:ks_2samp. Exact calculation unsuccessful")
@settings(max_examples=50, deadline=None)
@given(present=numbers, baseline=numbers, block=st.integers(1, 7))
def test_blocks_change_nothing(present: list[float], baseline: list[float], block: int) -> None:
    a, b = np.sort(present), np.sort(baseline)
    area = sum(float(np.dot(np.abs(gap[:-1]), np.diff(values))) for values, gap in steps(a, b, block))
    assert area / (len(a) * len(b)) == pytest.approx(wasserstein(a, b), rel=1e-9, abs=1e-9)
    ends = np.concatenate(
        [np.append(values[1:] != values[:-1], True) * np.abs(gap) for values, gap in steps(a, b, block)]
    )
    assert ends.max() / (len(a) * len(b)) == pytest.approx(kolmogorov_smirnov(a, b).statistic, abs=1e-12)  # type: ignore[union-attr]


@settings(max_examples=50, deadline=None)
@given(
    present=st.lists(st.sampled_from("abcde"), min_size=1, max_size=80),
    baseline=st.lists(st.sampled_from("abcdf"), min_size=1, max_size=80),
)
def test_categories_equal_scipy(present: list[str], baseline: list[str]) -> None:
    found = drift(present, baseline)
    names = sorted({*present, *baseline})
    counts = np.array([[side.count(name) for name in names] for side in (present, baseline)])
    p, q = counts / counts.sum(axis=1, keepdims=True)
    assert found.js_distance == pytest.approx(jensenshannon(p, q, base=2), abs=1e-7)
    assert found.tv_distance == pytest.approx(np.abs(p - q).sum() / 2)
    assert found.l_infinity_distance == pytest.approx(np.abs(p - q).max())
    assert found.ks_test is None
    assert found.wasserstein_distance is None
    assert found.chi_squared_test is not None
    if len(names) > 1:
        expected = stats.chi2_contingency(counts, correction=False)
        assert found.chi_squared_test.statistic == pytest.approx(expected.statistic, abs=1e-9)
        assert found.chi_squared_test.pvalue == pytest.approx(expected.pvalue, rel=1e-9)
    smoothed = [np.maximum(share, LEAST) for share in (p, q)]
    assert found.population_stability_index == pytest.approx(
        float(np.sum((smoothed[0] - smoothed[1]) * np.log(smoothed[0] / smoothed[1])))
    )


def test_index_of_numbers_counts_the_baselines_deciles() -> None:
    rng = np.random.default_rng(1)
    baseline, present = rng.normal(0, 1, 10_000), rng.normal(0.5, 1, 10_000)
    edges = np.concatenate([[-np.inf], np.quantile(baseline, np.arange(1, 10) / 10, method="inverted_cdf"), [np.inf]])
    # numpy's bins take their lower edge, ours their upper one.
    p, q = (np.histogram(side, np.nextafter(edges, np.inf))[0] / len(side) for side in (present, baseline))
    found = drift(present, baseline)
    assert found.population_stability_index == pytest.approx(float(np.sum((p - q) * np.log(p / q))))
    assert found.js_distance == pytest.approx(jensenshannon(p, q, base=2))


NOTHING = DriftValues()


@pytest.mark.parametrize(
    ("present", "baseline"),
    [
        (pa.array([], pa.float64()), pa.array([1.0])),
        (pa.array([1.0]), pa.array([None], pa.float64())),
        (pa.array([math.nan, math.inf, -math.inf]), pa.array([1.0])),
        (pa.array([], pa.string()), pa.array(["a"])),
        (pa.array([None], pa.null()), pa.array([1.0])),
        (pa.array(["1"]), pa.array([1.0])),
        (pa.array([[1]]), pa.array([[1]])),
    ],
    ids=["no rows", "all null", "no finite number", "no texts", "no type", "other kind", "lists"],
)
def test_nothing_to_compare_gives_none(present: pa.Array, baseline: pa.Array) -> None:
    assert drift(present, baseline) == NOTHING
    assert drift(baseline, present) == NOTHING


def test_constants() -> None:
    same = drift([2.0] * 5, [2.0] * 9)
    assert (same.ks_test.statistic, same.wasserstein_distance, same.population_stability_index) == (0, 0, 0)  # type: ignore[union-attr]
    assert (same.js_distance, same.tv_distance, same.l_infinity_distance) == (0, 0, 0)
    for other in (1.0, 3.0):
        moved = drift([other] * 5, [2.0] * 9)
        assert moved.ks_test is not None
        assert (moved.ks_test.statistic, moved.wasserstein_distance) == (1, 1)
        assert (moved.js_distance, moved.tv_distance, moved.l_infinity_distance) == (1, 1, 1)
        assert moved.population_stability_index == pytest.approx(2 * (1 - LEAST) * -math.log(LEAST))
    texts = drift(["a"] * 4, ["a"] * 9)
    assert texts.chi_squared_test == (0.0, 1.0)
    assert drift([True, True], [False, False]).js_distance == 1


def test_nulls_nan_and_infinities_move_nothing() -> None:
    clean = drift([1.0, 2.0, 3.0], [1.0, 2.0, 4.0])
    assert drift([1.0, None, 2.0, math.nan, 3.0, math.inf], [-math.inf, 1.0, 2.0, 4.0, None]) == clean


@pytest.mark.parametrize("present", [[1e308, -1e308, 0.0], [5e-324, 0.0], [2**63 - 1, -(2**63)]])
def test_extreme_numbers_give_no_nan(present: list[float]) -> None:
    for value in asdict(drift(present, [float(n) for n in range(40)])).values():
        for number in value if isinstance(value, tuple) else (value,):
            assert number is None or math.isfinite(number)
