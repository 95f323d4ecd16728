from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from fairlearn import metrics as fair
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from ml_code.platform.evaluation.intervals import Resampling
from ml_code.platform.evaluation.metrics import METRICS
from ml_code.platform.fairness.assessment import Least
from ml_code.platform.monitoring import performance
from ml_code.platform.monitoring.attribution_drift import ranking_drift, shift
from ml_code.platform.monitoring.fairness_gaps import demographic_parity_difference, equal_opportunity_difference
from ml_code.platform.monitoring.measured_rows import Measurable, Quality
from ml_code.platform.monitoring.monitored_log import MonitoredLog, Rows
from ml_code.platform.monitoring.slices import Slicing
from ml_code.platform.monitoring.windows import granularities

BY = Resampling(100, 0.95, 3)


def rows(number: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    p = rng.random(number).round(2)
    return (rng.random(number) < p).astype(float), p


@settings(deadline=None, max_examples=40)
@given(st.integers(2, 60), st.integers(0, 5))
def test_resamples_are_the_metrics_under_their_weights(number: int, seed: int) -> None:
    y, p = rows(number, seed)
    order = np.argsort(p, kind="stable")
    y, p = y[order], p[order]
    w = np.random.default_rng(seed).integers(0, 3, (4, number)).astype(float)
    w[:, 0] += 1
    ties = np.concatenate([[0], np.flatnonzero(np.diff(p)) + 1])
    drawn = performance._ranked(y, w, ties) | performance._means(y, p, w)
    for name, metric in METRICS.items():
        assert drawn[name] == pytest.approx([metric(y, p, one) for one in w], nan_ok=True), name


def test_regression_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(1)
    y = rng.normal(3, 2, 300)
    p = y + rng.normal(0, 1, 300)
    found = performance.regression(y, p, BY)
    assert found["rmse"].value == pytest.approx(reference.root_mean_squared_error(y, p))
    assert found["mae"].value == pytest.approx(reference.mean_absolute_error(y, p))
    assert found["r2"].value == pytest.approx(reference.r2_score(y, p))
    assert all(one.low < one.value < one.high for one in found.values())
    assert np.isnan(performance.regression(np.ones(5), p[:5])["r2"].value), "a constant label has no spread to explain"


def test_several_classes_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(2)
    classes = ["a", "b", "c"]
    matrix = rng.dirichlet([1, 2, 3], 400)
    y = [str(rng.choice(classes, p=row)) for row in matrix]
    found = performance.multiclass(y, {name: matrix[:, column] for column, name in enumerate(classes)})
    assert found["log_loss"].value == pytest.approx(reference.log_loss(y, matrix, labels=classes))
    assert found["auc"].value == pytest.approx(reference.roc_auc_score(y, matrix, multi_class="ovr", average="macro"))


def test_few_rows_have_no_interval_and_none_have_no_metrics() -> None:
    y, p = rows(performance.LEAST_ROWS - 1)
    assert all(np.isnan(one.low) for one in performance.binary(y, p, BY).values())
    y, p = rows(performance.LEAST_ROWS)
    assert performance.binary(y, p, BY)["brier"].low < performance.binary(y, p, BY)["brier"].high
    assert (
        performance.binary(y[:0], p[:0], BY)
        == performance.regression(y[:0], p[:0])
        == performance.multiclass([], {})
        == {}
    )
    assert np.isnan(performance.binary(np.zeros(60), p[:50].repeat(2)[:60], BY)["auc"].value)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.booleans(), st.integers(0, 1)), min_size=1, max_size=40))
def test_gaps_between_groups_are_fairlearns(given_rows: list[tuple[str, bool, int]]) -> None:
    groups, decided, outcome = (list(column) for column in zip(*given_rows, strict=True))
    y, d = np.array(outcome, float), np.array(decided)
    parity = demographic_parity_difference([*groups, None], np.append(d, True), Least(1, 1))
    if len(set(groups)) < 2:
        assert np.isnan(parity)
        return
    assert parity == pytest.approx(fair.demographic_parity_difference(y, d, sensitive_features=groups))
    both = all({0, 1} <= {o for g, o in zip(groups, outcome, strict=True) if g == name} for name in "ab")
    gap = equal_opportunity_difference(groups, d, y, Least(1, 1))
    if both:
        assert gap == pytest.approx(fair.equal_opportunity_difference(y, d, sensitive_features=groups))
    else:
        assert np.isnan(gap)


def test_the_example_of_sagemaker_clarify() -> None:
    training = {"SAT score": 0.70, "GPA": 0.50, "Class rank": 0.05}
    live = {"SAT score": 0.10, "GPA": 0.20, "Class rank": 0.70}
    expected = reference.ndcg_score([list(training.values())], [list(live.values())])
    drift = ranking_drift(training, live)
    assert drift == pytest.approx(1 - expected)
    assert drift is not None
    assert drift > 0.1, "the rankings are reversed: beyond Clarify's limit"
    assert shift(training, live) == pytest.approx(0.7 - 0.05 / 1.25)


@settings(deadline=None, max_examples=50)
@given(st.dictionaries(st.sampled_from("abcd"), st.floats(0, 1), min_size=1))
def test_the_same_attributions_do_not_drift(known: dict[str, float]) -> None:
    if sum(known.values()) == 0:
        assert ranking_drift(known, known) is None
        assert shift(known, known) is None
        return
    assert ranking_drift(known, known) == 0
    assert ranking_drift(known, {name: value / 2 for name, value in known.items()}) == 0
    assert shift(known, known) == pytest.approx(0)
    unused = ranking_drift(known, {"new": 1.0})
    assert unused is not None
    assert 0 <= unused < 1


def measurable(problem: performance.Problem, prediction: object, probability: object, label: object) -> Measurable:
    table = pa.table({"prediction": prediction, "probability": probability, "label": label})
    log = MonitoredLog(
        "c.s.log", "at", "version", "prediction", granularities(["1 day"]), label="label", probability="probability"
    )
    return Measurable(Rows(table, {}, Slicing(()), log), Quality(problem, BY))


def test_every_kind_of_problem_is_measured_on_its_labelled_rows() -> None:
    everything = np.arange(4)
    one = measurable("regression", pa.array([1.0, 2.0, np.nan, 4.0]), pa.nulls(4), pa.array([1.0, 4.0, 3.0, None]))
    assert one.performance(everything)["mae", ":table"].estimate.value == 1
    assert one.performance(everything)["mae", ":table"].rows == 2
    assert one.labels(everything)["label_share", ":table"].estimate.value == 0.75

    chances = pa.array(
        [[("a", 0.8), ("b", 0.2)], [("a", 0.3), ("b", 0.7)], None, [("a", 0.5)]], pa.map_(pa.string(), pa.float64())
    )
    many = measurable("multiclass", pa.array(["a", "b", "a", "a"]), chances, pa.array(["a", "b", "b", None]))
    found = many.performance(everything)
    assert found["auc", ":table"].estimate.value == 1
    assert found["log_loss", ":table"].estimate.value == pytest.approx(-(np.log(0.8) + np.log(0.7)) / 2)
    assert not many.fairness(everything)

    risky = measurable("binary", pa.array([1, 0, 0, 0]), pa.array([0.9, np.inf, 0.1, 0.2]), pa.array([1, 1, 0, None]))
    assert risky.performance(everything)["brier", ":table"].estimate.value == pytest.approx(0.01)
    assert risky.performance(everything)["brier", ":table"].rows == 2, "an infinite probability is none"
    assert not risky.performance(np.array([3])), "without a label there is no quality"
