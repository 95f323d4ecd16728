"""Limits from settings, and a challenger that is better overall and refused for what it does to a group."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ml_code.platform.errors import StepError
from ml_code.platform.evaluation.intervals import Resampling, difference, evaluate
from ml_code.platform.evaluation.metrics import Floats
from ml_code.platform.fairness.assessment import Least, assess, losses
from ml_code.platform.fairness.limits import ColumnLimits, findings, read_limits
from ml_code.platform.registry.findings import Finding
from ml_code.platform.registry.promotion import Verdict, decide

RESAMPLING = Resampling(100, 0.95, 7)


def population(seed: int = 0, count: int = 3_000) -> tuple[Floats, Floats, Floats, list[str]]:
    """Outcomes, the predictions of champion and challenger, and groups: the challenger knows more of group a."""
    rng = np.random.default_rng(seed)
    group = np.where(rng.random(count) < 0.8, "a", "b")
    signal = rng.normal(size=count)
    y = (rng.random(count) < 1 / (1 + np.exp(2 - 1.5 * signal))).astype(float)
    noisy = signal + rng.normal(size=count)
    known = np.where(group == "a", signal, noisy - 1)
    return y, 1 / (1 + np.exp(2 - noisy)), 1 / (1 + np.exp(2 - 1.5 * known)), group.tolist()


def judged(limits: ColumnLimits, smallest: int = 50) -> Verdict:
    y, champion, challenger, groups = population()
    assessment = assess("group", groups, y, challenger, 0.2, Least(smallest, limits.smallest_outcomes), RESAMPLING)
    lost = losses(assessment, groups, y, challenger, champion, "auc", RESAMPLING)
    new, old = evaluate(y, challenger, RESAMPLING), evaluate(y, champion, RESAMPLING)
    return decide(
        metric="auc",
        floor=0.6,
        threshold=0.02,
        version=2,
        candidate=new.metrics["auc"],
        rows=new.rows,
        positives=new.positives,
        champion_version=1,
        champion=old.metrics["auc"],
        difference=difference("auc", y, challenger, champion, RESAMPLING),
        conditions=tuple(findings(limits, assessment, lost, "auc")),
    )


def only(limits: ColumnLimits, smallest: int = 50) -> tuple[Verdict, Finding]:
    verdict = judged(limits, smallest)
    return verdict, verdict.findings[-1]


def test_better_overall_and_unfair_to_a_group_is_refused_with_the_table() -> None:
    free = judged(ColumnLimits({}, None, 20))
    assert free.decision == "promote"

    verdict, finding = only(ColumnLimits({"equal_opportunity_difference": 0.2}, None, 20))
    assert verdict.decision == "refuse"
    assert verdict.missed() == (finding,)
    assert finding.name == "fairness.group.equal_opportunity_difference"
    assert finding.value is not None
    assert finding.value > 0.2
    assert "better than the champion by 0." in verdict.reason
    assert "at most 0.2 is asked for" in verdict.reason
    for part in ("true positive rate: a 0.", "rows", "outcomes", "b 0."):
        assert part in verdict.reason
    assert verdict.reason in verdict.sentence()
    assert len(json.dumps(verdict.as_dict())) < 4_000  # a task value has room for 48 KiB
    assert Verdict.from_dict(json.loads(json.dumps(verdict.as_dict()))) == verdict


def test_within_the_limits_it_is_promoted() -> None:
    limits = ColumnLimits({"equal_opportunity_difference": 1, "demographic_parity_ratio": 0.0}, 1.0, 20)
    verdict = judged(limits)
    assert verdict.decision == "promote"
    assert [finding.outcome for finding in verdict.findings] == ["met"] * 5
    assert [finding.name for finding in verdict.findings][:2] == ["floor", "threshold"]


def test_a_ratio_is_a_lower_limit() -> None:
    verdict, finding = only(ColumnLimits({"demographic_parity_ratio": 0.8}, None, 20))
    assert (verdict.decision, finding.outcome) == ("refuse", "missed")
    assert "at least 0.8" in finding.words


def test_worse_than_the_champion_for_a_group() -> None:
    """Group b is ranked as well as by the champion, so a loss of nothing is met and one that must be a gain is not."""
    _, finding = only(ColumnLimits({}, 0.05, 20))
    assert finding.outcome == "met"
    assert "worst for group b" in finding.words
    y, champion, challenger, groups = population()
    upside_down = np.where(np.asarray(groups) == "b", 1 - challenger, challenger)
    assessment = assess("group", groups, y, upside_down, 0.2, Least(50), RESAMPLING)
    lost = losses(assessment, groups, y, upside_down, champion, "auc", RESAMPLING)
    (worse,) = findings(ColumnLimits({}, 0.05, 20), assessment, lost, "auc")
    assert worse.outcome == "missed"
    (first,) = findings(ColumnLimits({}, 0.05, 20), assessment, {}, "auc")
    assert first.outcome == "not judged"


@pytest.mark.parametrize(("smallest", "outcomes"), [(10_000, 20), (50, 10_000)])
def test_small_groups_refuse_nothing(smallest: int, outcomes: int) -> None:
    verdict, finding = only(ColumnLimits({"equal_opportunity_difference": 0.01}, None, outcomes), smallest)
    assert (verdict.decision, finding.outcome) == ("promote", "not judged")
    assert "fewer than two groups of group are large enough" in finding.words


def test_limits_are_read_from_json() -> None:
    text = '{"group": {"equalized_odds_difference": 0.2, "worse_than_champion": 0.05, "smallest_outcomes": 30}}'
    assert read_limits(text, ["group"]) == {"group": ColumnLimits({"equalized_odds_difference": 0.2}, 0.05, 30)}
    assert read_limits("", ["group"]) == read_limits("{}", ["group"]) == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "--fairness: not valid JSON"),
        ("[1]", "--fairness: expected a JSON object, found list"),
        ('{"town": {}}', "--fairness: town is no sensitive column of configs.yml; those are: group"),
        ('{"group": 0.1}', "--fairness: group: expected limits by name"),
        ('{"group": {"fairness": 0.1}}', "--fairness: group: unknown fairness; expected some of demographic_parity"),
        ('{"group": {"calibration_error": "low"}}', "--fairness: group.calibration_error: expected a number from 0"),
        ('{"group": {"calibration_error": -1}}', "calibration_error: expected a number from 0 on, found -1"),
        ('{"group": {"calibration_error": true}}', "expected a number from 0 on, found True"),
        ('{"group": {"calibration_error": NaN}}', "expected a number from 0 on, found nan"),
        ('{"group": {"smallest_outcomes": 0.5}}', "smallest_outcomes: expected a whole number from 1 on"),
    ],
)
def test_what_is_no_limit_is_said(text: str, said: str) -> None:
    with pytest.raises(StepError) as caught:
        read_limits(text, ["group"])
    assert said in str(caught.value)
