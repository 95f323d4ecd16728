"""Monitoring, the data gate and the limits of promotion in the settings."""

import json
from pathlib import Path

import pytest

from infra.settings import SettingsError, load_settings
from infra.settings.rules import METRICS, AlertRule
from infra.settings.trust import DataLimits, FairnessLimits, ModelLimits
from ml_code.platform.data_checks import comparison
from ml_code.platform.fairness import limits as fairness
from ml_code.platform.model_profile import limits as model_profile
from ml_code.platform.monitoring import rules
from tests.infra.settings.conftest import Edit

PATHS = ("dev", "staging", "prod")


@pytest.mark.parametrize("environment", PATHS)
def test_each_environment_watches_drift_quality_attributions_skew_and_missing_values(environment: str) -> None:
    watch = load_settings(environment, "dev").values.monitoring
    assert {rule.metric for rule in watch.rules} >= {
        "population_stability_index",
        "auc",
        "brier",
        "attribution_drift",
        "skew",
        "percent_null",
    }
    drift = next(rule for rule in watch.rules if rule.name == "feature-drift")
    assert (drift.granularity, drift.breaches, drift.of, drift.at_least_columns) == ("1 week", 2, 3, 2)
    assert any(rule.below is not None for rule in watch.rules), "rules know both directions"


def test_dev_is_lenient_and_the_others_are_not() -> None:
    values = {name: load_settings(name, "dev").values for name in PATHS}
    assert {name: each.data_gate.when_unchanged for name, each in values.items()} == {
        "dev": "train",
        "staging": "skip",
        "prod": "skip",
    }
    assert not values["dev"].fairness
    assert {"age_group", "mother_group"} == set(values["prod"].fairness)
    asks = {name: any(rule.action == "retrain" for rule in each.monitoring.rules) for name, each in values.items()}
    assert asks == {"dev": False, "staging": True, "prod": True}


BOUND = "      above: 0.08\n"  # only the rule on the Brier score has it


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("      metric: brier\n", "      metric: breir\n", "has no number breir; did you mean 'brier'?"),
        ("      metric: brier\n", "      metirc: brier\n", "rules.3.metirc: unknown key; did you mean 'metric'?"),
        (BOUND, "", "rules.3: expected a bound: above, below, or both"),
        (BOUND, f"{BOUND}      below: 0.2\n", "every value would be beyond a bound"),
        (BOUND, f"{BOUND}      breaches: 2\n", "breaches: expected at most of (1), found 2"),
        (BOUND, f"{BOUND}      drift_type: BASELINE\n", "only rules over the drift table"),
        (BOUND, f"{BOUND}      columns: [a]\n      at_least_columns: 2\n", "at_least_columns: expected at most 1"),
        (BOUND, f"{BOUND}      adjust: true\n", "adjust: only population_stability_index, ks_test.pvalue"),
        (BOUND, f"{BOUND}      granularity: 1 hour\n", "brier looks at windows of 1 hour"),
        (BOUND, f"{BOUND}      granularity: 1 year\n", "granularity: expected '1 hour', '1 day'"),
        (BOUND, f"{BOUND}      slice: region\n", "slice 'region', which is not among slices"),
        ("    - name: brier\n", "    - name: auc\n", "rules: two have the name auc"),
        ("    - name: brier\n", "    - name: Brier score\n", "rules.3.name: expected text that matches"),
        ("retention_days: 730", "retention_days: 30", "a prediction would be gone before its label comes"),
        ("engine: quality_monitor", "engine: spark", "engine: expected 'quality_monitor' or 'job'"),
        ("when_unchanged: skip", "when_unchanged: stop", "data_gate.when_unchanged: expected 'train' or 'skip'"),
        ("least_rows: 0.5", "fewest_rows: 0.5", "data_gate.limits.fewest_rows: unknown key"),
        ("  age_group: {equal", "  age_group: {equel", "fairness.age_group.equel_opportunity_difference: unknown key"),
        ("latency_ms_1: 500", "latency_ms_1: fast", "model_limits.latency_ms_1: expected number"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_told_with_its_place(folder: Path, edit: Edit, old: str, new: str, said: str) -> None:
    edit("prod.yaml", old, new)
    with pytest.raises(SettingsError) as raised:
        load_settings("prod", folder=folder, repository=folder, variables={})
    assert any(said in str(problem) and "prod.yaml:" in str(problem) for problem in raised.value.problems), raised.value


def test_what_the_settings_ask_for_the_steps_know() -> None:
    """Settings and ML code do not import each other: this is where their words are held equal."""
    assert METRICS == rules.METRICS_OF
    for environment in PATHS:
        ours = load_settings(environment, "dev").values.monitoring.rules
        told = rules.read_rules(json.dumps([rule.as_parameter() for rule in ours]))
        assert [rule.name for rule in told] == [rule.name for rule in ours]
    assert set(AlertRule.model_fields) == set(rules.Rule.model_fields)
    assert set(ModelLimits.model_fields) == set(model_profile.LIMITS)
    prod = load_settings("prod").values
    columns = tuple(prod.fairness)
    read = fairness.read_limits(
        json.dumps({name: each.as_parameter() for name, each in prod.fairness.items()}), columns
    )
    assert read["age_group"].worse_than_champion == 0.1
    every = FairnessLimits(**dict.fromkeys(FairnessLimits.model_fields, 1))
    fairness.read_limits(json.dumps({"age_group": every.as_parameter()}), columns)
    assert set(DataLimits.model_fields) == set(comparison.DataLimits.model_fields)
    comparison.read_limits(json.dumps(prod.data_gate.limits.as_parameter()))


def test_a_rule_reads_as_a_sentence() -> None:
    rule = AlertRule(name="x", table="drift", metric="js_distance", above=0.2, at_least_columns=2, breaches=2, of=3)
    assert rule.sentence() == (
        "js_distance above 0.2 in at least 2 columns in 2 of the last 3 windows of 1 week, the latest among them"
    )
    one = AlertRule(name="x", table="model", metric="auc", columns=(":table",), below=0.5, slice="age_group")
    assert one.sentence() == "auc below 0.5 by age_group in the latest window of 1 week"
