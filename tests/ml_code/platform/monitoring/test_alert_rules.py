from __future__ import annotations

import datetime as dt
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from ml_code.platform.errors import ConfigurationError
from ml_code.platform.monitoring.judgement import Reading, judge, slice_values
from ml_code.platform.monitoring.noise import adjusted, psi_noise
from ml_code.platform.monitoring.rules import Rule, read_rules
from ml_code.platform.monitoring.windows import Window

START = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
PSI = {"name": "psi", "table": "drift", "metric": "population_stability_index", "above": 0.2, "granularity": "1 day"}


def window(day: int) -> Window:
    return Window(START + day * DAY, START + (day + 1) * DAY)


def reading(day: int, value: float | None, column: str = "x", rows: int = 100, of: str | None = None) -> Reading:
    return Reading(column, window(day), value, rows, of)


def rule(**changes: object) -> Rule:
    return Rule.model_validate_json(json.dumps({**PSI, **changes}))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"abvoe": 1}, "abvoe: unknown key"),
        ({"above": None}, "expected a limit"),
        ({"above": 0.1, "below": 0.2}, "swap the two"),
        ({"breaches": 3, "of": 2}, "breaches must not exceed of"),
        ({"metric": "psi"}, "metric 'psi' is not in the drift table; it has count_delta"),
        ({"table": "model", "metric": "auc", "drift_type": "BASELINE"}, "drift_type belongs to rules on the drift"),
        ({"adjust": True, "metric": "js_distance"}, "adjust is there for"),
        ({"columns": ["*", "x"]}, "cannot be combined"),
        ({"columns": ["x"], "at_least_columns": 2}, "at_least_columns is 2, columns has 1"),
        ({"granularity": "2 days"}, "granularity"),
        ({"above": "high"}, "above"),
        ({"name": "no spaces"}, "name"),
    ],
)
def test_a_wrong_rule_says_which_and_what_was_expected(change: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigurationError, match="rule") as error:
        read_rules(json.dumps([PSI | change]))
    assert words in str(error.value)
    assert len(str(error.value)) < 2_000


def test_the_list_itself_is_checked() -> None:
    for text, words in (("{", "not valid JSON"), ("{}", "expected a list"), ("[1]", "rule 1 of the list")):
        with pytest.raises(ConfigurationError, match=words):
            read_rules(text)
    with pytest.raises(ConfigurationError, match="two rules have the name psi"):
        read_rules(json.dumps([PSI, PSI]))
    nested = {**PSI, "name": "ks", "metric": "ks_test.statistic"}
    assert [one.name for one in read_rules(json.dumps([PSI, nested]))] == ["psi", "ks"]


def test_every_column_of_a_metric_of_the_whole_model_is_the_whole_model() -> None:
    quality = {"above": None, "below": 0.5}
    assert rule(table="model", metric="auc", columns=["*"], **quality).looked_at == (":table",)
    assert rule(table="profile", metric="roc_auc_score.macro", **quality).looked_at == (":table",)
    assert rule(table="model", metric="skew").looked_at == rule(columns=["*"]).looked_at == ("*",)
    assert rule(table="model", metric="skew", columns=[":table"]).looked_at == (":table",)


VALUES = st.one_of(st.none(), st.floats(-1, 1), st.just(math.nan), st.just(math.inf))
READINGS = st.lists(
    st.builds(reading, st.integers(0, 9), VALUES, st.sampled_from(["x", "y", ":table"]), st.sampled_from([5, 50])),
    max_size=25,
    unique_by=lambda one: (one.column, one.window),
)


@settings(deadline=None, max_examples=150)
@given(
    READINGS,
    st.integers(0, 10),
    st.integers(1, 4).flatmap(lambda of: st.tuples(st.integers(1, of), st.just(of))),
    st.sampled_from([{"above": 0.2}, {"above": None, "below": -0.2}, {"above": 0.5, "below": -0.5}]),
    st.integers(1, 3),
    st.sampled_from([0, 20]),
)
def test_a_judgement_is_that_of_a_plain_count(
    readings: list[Reading], day: int, often: tuple[int, int], limits: dict[str, float], least: int, rows: int
) -> None:
    breaches, of = often
    by = rule(**limits, breaches=breaches, of=of, at_least_columns=least, minimum_rows=rows, stale_days=3)
    found = judge(by, readings, START + day * DAY)

    def beyond(value: float) -> bool:
        over, under = limits.get("above"), limits.get("below")
        return (over is not None and value > over) or (under is not None and value < under)

    firing, judged = set(), set()
    for column in ("x", "y"):
        values = {
            one.window.end: one.value
            for one in readings
            if one.column == column and one.value is not None and not math.isnan(one.value)
            if one.rows is not None and one.rows >= rows and one.window.end <= START + day * DAY
        }
        last = sorted(values)[-of:]
        if last and START + day * DAY - last[-1] <= 3 * DAY:
            judged.add(column)
            if beyond(values[last[-1]]) and sum(beyond(values[end]) for end in last) >= breaches:
                firing.add(column)
    assert (found.worst is None) == (not judged)
    assert set(found.columns) == firing
    assert found.fires == (len(firing) >= least and bool(judged))
    if found.fires:
        assert found.worst is not None
        assert found.worst.column in firing


def test_windows_that_are_not_over_are_not_judged() -> None:
    readings = [reading(0, 0.1), reading(1, 0.9)]
    assert not judge(rule(), readings, window(0).end).fires
    assert judge(rule(), readings, window(1).end).fires
    assert judge(rule(), [], window(1).end).worst is None


def test_labels_may_come_late_where_drift_may_not() -> None:
    old = [reading(0, 0.3, column=":table")]
    later = START + 100 * DAY
    assert judge(rule(columns=[":table"]), old, later).worst is None
    quality = rule(table="model", metric="auc", above=None, below=0.5)
    assert judge(quality, old, later).fires


def test_every_value_of_a_slice_is_judged_by_itself() -> None:
    by = rule(slice="age_group")
    readings = [reading(0, 0.9, of="under 20"), reading(0, 0.1, of="20 to 34"), reading(0, 0.9)]
    assert slice_values(by, readings) == ["20 to 34", "under 20"]
    assert [judge(by, readings, window(0).end, value).fires for value in slice_values(by, readings)] == [False, True]


def test_adjusted_psi_stays_at_zero_on_quiet_data_in_nineteen_windows_of_twenty() -> None:
    from ml_code.platform.monitoring.drift.population_stability_index import population_stability_index

    rng = np.random.default_rng(3)
    columns, bins, compared = 10, 10, 2_000
    by = rule(adjust=True)
    for rows in (50, 100, 1_000):
        raw = alarms = 0
        for _ in range(400):
            counts = [
                (rng.multinomial(rows, [0.1] * bins), rng.multinomial(compared, [0.1] * bins)) for _ in range(columns)
            ]
            values = [population_stability_index(*pair) or 0.0 for pair in counts]
            readings = [
                Reading(f"x{number}", window(0), value, rows, None, compared, bins)
                for number, value in enumerate(values)
            ]
            raw += max(values) > 0.1
            alarms += any((one.value or 0) > 0 for one in adjusted(by, readings))
        assert alarms / 400 <= 0.085, "5 % and three standard errors of 400 windows, at most"
        assert raw / 400 > 0.9 if rows < 1_000 else raw == 0
    assert psi_noise(10, 200, 200) > psi_noise(10, 2_000, 200) > 0


def test_a_large_shift_is_left_by_the_adjustment() -> None:
    shifted = Reading("x", window(0), 0.8, 300, None, 3_000, 10)
    quiet = Reading("y", window(0), 0.03, 300, None, 3_000, 10)
    few = Reading("w", window(0), 0.9, 39, None, 3_000, 10)
    unknown = Reading("z", window(0), 0.9, None, None, None, None)
    found = {one.column: one.value for one in adjusted(rule(adjust=True), [shifted, quiet, few, unknown])}
    assert found.keys() == {"x", "y"}, "without counts, or with few, nothing is known of the noise"
    assert found["x"] is not None
    assert found["x"] > 0.6
    assert found["y"] == 0


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_adjusted_p_values_are_scipys(values: list[float]) -> None:
    by = rule(metric="ks_test.pvalue", above=None, below=0.05, adjust=True)
    readings = [reading(0, value, column=f"x{number}") for number, value in enumerate(values)]
    found = [one.value for one in adjusted(by, readings)]
    assert found == pytest.approx(false_discovery_control(values))
