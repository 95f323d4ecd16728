from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_code.platform.monitoring.alerts import Alert, Champion, Decision, Judged, Past, Today, decide
from ml_code.platform.monitoring.judgement import ColumnJudgement, Judgement
from ml_code.platform.monitoring.retraining import Outcome, Retraining
from ml_code.platform.monitoring.rules import Rule
from ml_code.platform.monitoring.windows import Window
from ml_code.platform.monitoring.windows import day as day_window

FIRST = dt.date(2026, 3, 1)
NOTIFY = Rule(name="psi", table="drift", metric="population_stability_index", above=0.2, cool_down_days=3)
RETRAIN = Rule(name="auc", table="model", metric="auc", below=0.6, action="retrain", cool_down_days=5)


def judged(rule: Rule, fires: bool | None, today: dt.date, of: str | None = None) -> Judgement:
    if fires is None:
        return Judgement(of, False, None, (), "no window")
    window = day_window(today)
    worst = ColumnJudgement("x", 0.5, Window(window.start, window.end), int(fires), 1, fires, 0.1 if fires else -0.1)
    return Judgement(of, fires, worst, ("x",) if fires else (), "x is 0.5")


@dataclass
class Days:
    """Days that follow each other, with what was decided on each."""

    champion: Champion | None = None
    labels: list[dt.date] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    retrainings: list[Retraining] = field(default_factory=list)
    date: dt.date = FIRST - dt.timedelta(days=1)

    def next(self, *ones: Judged | tuple[Rule, bool | None], labels: bool = True) -> Decision:
        self.date += dt.timedelta(days=1)
        if labels:
            self.labels.append(self.date)
        judgements = [one if isinstance(one, Judged) else Judged(one[0], judged(*one, self.date)) for one in ones]
        new_labels: Callable[[dt.date], int] = lambda since: sum(day > since for day in self.labels)  # noqa: E731
        decision = decide(
            judgements, Past(self.alerts, self.retrainings), Today(self.date, "1", self.champion, new_labels)
        )
        self.alerts += decision.alerts
        self.retrainings += [decision.retraining] if decision.retraining else []
        return decision

    def end(self, outcome: Outcome, detail: str | None = None) -> None:
        self.retrainings[-1] = replace(self.retrainings[-1], outcome=outcome, version="2", detail=detail)


def told(decision: Decision) -> list[tuple[str, str]]:
    return [(alert.state, alert.action) for alert in decision.alerts]


def test_a_notification_is_repeated_after_the_cool_down_and_the_episode_ends_within_the_limit() -> None:
    days = Days()
    states = [told(days.next((NOTIFY, fires)))[0] for fires in (False, True, True, None, True, True, False, True, True)]
    assert states == [
        ("ok", "none"),
        ("firing", "notify"),
        ("cooling", "none"),
        ("no_data", "none"),
        ("firing", "notify"),
        ("cooling", "none"),
        ("ok", "none"),
        ("firing", "notify"),
        ("cooling", "none"),
    ]
    since = [alert.since for alert in days.alerts]
    second, eighth = FIRST + dt.timedelta(days=1), FIRST + dt.timedelta(days=7)
    assert since == [None, *[second] * 5, None, *[eighth] * 2], "no data does not end an episode"


def test_a_retraining_that_was_refused_is_told_once_and_asked_for_again_when_labels_came() -> None:
    days = Days()
    asked = days.next((RETRAIN, True)).retraining
    assert asked is not None
    assert (asked.retraining, asked.rules) == (f"retraining-{FIRST}", ("auc",))
    assert told(days.next((RETRAIN, True))) == [("cooling", "none")]
    assert "is still running" in days.alerts[-1].reason
    days.end("refused", "better by 0.001, the threshold is 0.01")
    days.labels.clear()
    assert told(days.next((RETRAIN, True), labels=False)) == [("cooling", "notify")]
    assert "was refused (v2): better by 0.001" in days.alerts[-1].reason
    quiet = [told(days.next((RETRAIN, True), labels=False)) for _ in range(10)]
    assert quiet == [[("cooling", "none")]] * 10
    assert "no labels have come since" in days.alerts[-1].reason
    assert told(days.next((RETRAIN, True))) == [("firing", "retrain")]


def test_after_a_promotion_only_windows_of_the_new_champion_count() -> None:
    days = Days()
    days.next((RETRAIN, True))
    days.end("promoted")
    days.champion = Champion("2", FIRST)
    for _ in range(20):
        today = days.date + dt.timedelta(days=1)
        old = Judged(RETRAIN, judged(RETRAIN, True, today), judged(RETRAIN, None, today))
        assert told(days.next(old)) == [("cooling", "none")]
    assert "champion v2 was trained on 2026-03-01, no window since then" in days.alerts[-1].reason
    today = days.date + dt.timedelta(days=1)
    bad = Judged(RETRAIN, judged(RETRAIN, True, today), judged(RETRAIN, True, today))
    assert told(days.next(bad)) == [("firing", "retrain")]


def test_a_failed_retraining_is_told_and_asked_for_again_after_the_cool_down() -> None:
    days = Days()
    days.next((RETRAIN, True))
    days.end("failed", "train failed")
    states = [told(days.next((RETRAIN, True), labels=False))[0] for _ in range(5)]
    assert states == [("cooling", "notify"), *[("cooling", "none")] * 3, ("firing", "retrain")]


def test_rules_share_a_retraining_and_its_cool_down() -> None:
    days = Days()
    other = RETRAIN.model_copy(update={"name": "brier"})
    asked = days.next((RETRAIN, True), (other, True)).retraining
    assert asked is not None
    assert asked.rules == ("auc", "brier")
    late = RETRAIN.model_copy(update={"name": "late"})
    decision = days.next((RETRAIN, True), (late, True))
    assert told(decision) == [("cooling", "none"), ("firing", "notify")]
    assert decision.retraining is None


def test_a_slice_without_rows_keeps_its_episode() -> None:
    days = Days()
    by = NOTIFY.model_copy(update={"slice": "age_group"})
    days.next(Judged(by, judged(by, True, FIRST, "under 20")))
    days.next(Judged(by, judged(by, False, FIRST, "20 to 34")))
    assert [(alert.slice_value, alert.state, alert.since) for alert in days.alerts[-2:]] == [
        ("20 to 34", "ok", None),
        ("under 20", "no_data", FIRST),
    ]


OUTCOMES = st.sampled_from(["promoted", "refused", "skipped", "stopped", "failed"])
STEPS = st.lists(
    st.tuples(
        st.sampled_from([True, True, True, False, None]),
        st.sampled_from([True, False, None]),
        st.booleans(),
        st.one_of(st.none(), OUTCOMES),
    ),
    min_size=30,
    max_size=150,
)


@settings(deadline=None, max_examples=60)
@given(STEPS, st.integers(0, 9), st.integers(0, 9))
def test_retrainings_never_loop(
    steps: list[tuple[bool | None, bool | None, bool, Outcome | None]], a: int, b: int
) -> None:
    """Over months of any weather: one at a time, a cool-down apart, none on the same data, none without evidence."""
    days = Days()
    first = RETRAIN.model_copy(update={"cool_down_days": a})
    second = RETRAIN.model_copy(update={"name": "second", "cool_down_days": b})
    shortest = max(min(a, b), 1)
    for one, two, labels, ended in steps:
        if days.retrainings and days.retrainings[-1].running and ended:
            days.end(ended)
            if ended == "promoted":
                days.champion = Champion("2", days.date)
        before = list(days.retrainings)
        today = days.date + dt.timedelta(days=1)
        anew = judged(second, one if days.champion else None, today)
        found = days.next(
            Judged(first, judged(first, one, today), anew if days.champion else None), (second, two), labels=labels
        )
        if not found.retraining:
            continue
        if not before:
            continue
        last = before[-1]
        assert not last.running
        assert (found.retraining.date - last.date).days >= shortest
        if last.outcome in ("refused", "skipped", "stopped"):
            assert any(day > last.date for day in days.labels)
        assert one or two
    assert len(days.retrainings) <= -(-len(steps) // shortest)
    assert len({row.retraining for row in days.retrainings}) == len(days.retrainings)
    actions = [alert for alert in days.alerts if alert.action == "retrain"]
    assert {alert.date for alert in actions} == {row.date for row in days.retrainings}
    assert all(alert.state == "firing" for alert in actions)


@pytest.mark.parametrize("fires", [True, False, None])
def test_the_same_day_again_gives_the_same(fires: bool | None) -> None:
    days = Days()
    for _ in range(3):
        days.next((NOTIFY, True), (RETRAIN, fires))
    past = Past(
        [alert for alert in days.alerts if alert.date < days.date], [r for r in days.retrainings if r.date < days.date]
    )
    again = decide(
        [Judged(NOTIFY, judged(NOTIFY, True, days.date)), Judged(RETRAIN, judged(RETRAIN, fires, days.date))],
        past,
        Today(days.date, "1", None, lambda since: 1),
    )
    assert list(again.alerts) == [alert for alert in days.alerts if alert.date == days.date]
