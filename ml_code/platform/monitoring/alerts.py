"""From judgements to alerts: each rule's state from day to day, and whether to train again. Pure.

States: ok; firing (beyond the limit, and acted on today); cooling (beyond the limit, acted on before and not again yet,
or with a reason not to train again); no_data. An episode goes from the first day beyond the limit to the first day
within it; days without data do not end it.

A rule that retrains asks for it when it fires and nothing speaks against it: a retraining that is still running, one
asked for (by any rule) within the rule's cool-down, a champion that is newer than the windows beyond the limit, or a
last retraining that did not help and no new labelled rows since. So there is at most one retraining in a cool-down.
"""

import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ml_code.platform.monitoring.judgement import Judgement
from ml_code.platform.monitoring.retraining import REQUESTED, Retraining, identifier
from ml_code.platform.monitoring.rules import Rule
from ml_code.platform.monitoring.windows import Window

OK, FIRING, COOLING, NO_DATA = "ok", "firing", "cooling", "no_data"
NOTHING, NOTIFY, RETRAIN = "none", "notify", "retrain"
_UNHELPFUL = ("refused", "skipped", "stopped")


@dataclass(frozen=True)
class Alert:
    """One row of `monitoring_alerts`, fields in its order."""

    date: datetime.date
    rule: str
    slice_key: str | None
    slice_value: str | None
    column_name: str
    metric: str
    state: str
    action: str
    value: float | None
    bound: float | None
    breaches: int
    windows: int
    window: Window | None
    since: datetime.date | None
    reason: str
    run_id: str

    @property
    def key(self) -> "Key":
        """What the state is of."""
        return (self.rule, self.slice_key, self.slice_value)


Key = tuple[str, str | None, str | None]


@dataclass(frozen=True)
class Judged:
    """A rule on one slice: what it says of all windows, and of those alone that began after the champion was trained.

    `anew` is None where there is no champion to be newer.
    """

    rule: Rule
    judgement: Judgement
    anew: Judgement | None = None


@dataclass(frozen=True)
class Past:
    """What was before today: alerts, oldest first, and retrainings, oldest first."""

    alerts: Sequence[Alert] = ()
    retrainings: Sequence[Retraining] = ()


@dataclass(frozen=True)
class Champion:
    """The champion, and the logical day on which it was trained."""

    version: str
    trained: datetime.date


@dataclass(frozen=True)
class Today:
    """The day of the evaluation. `new_labels` says how many labels came after a day; it is asked only where needed."""

    date: datetime.date
    run_id: str
    champion: Champion | None
    new_labels: Callable[[datetime.date], int]


@dataclass(frozen=True)
class Decision:
    """The day's alerts, and the retraining to ask for."""

    alerts: tuple[Alert, ...]
    retraining: Retraining | None


def decide(judged: Iterable[Judged], past: Past, today: Today) -> Decision:
    """The state of every rule and slice; those whose slice has no rows any more have no data."""
    judged = list(judged)
    histories: dict[Key, list[Alert]] = {}
    for alert in past.alerts:
        histories.setdefault(alert.key, []).append(alert)
    alerts = [_alert(one, histories.get(_key(one), []), past.retrainings, today) for one in judged]
    alerts += _gone({one.rule.name: one.rule for one in judged}, {alert.key for alert in alerts}, histories, today)
    asking = [alert for alert in alerts if alert.action == RETRAIN]
    return Decision(tuple(alerts), _retraining(asking, today) if asking else None)


@dataclass(frozen=True)
class _Episode:
    """The present episode of a rule and slice: its first day, and when the rule last acted, in any episode."""

    alerts: Sequence[Alert]
    since: datetime.date
    begins: bool
    acted: datetime.date | None
    rested: bool


def _alert(one: Judged, history: Sequence[Alert], retrainings: Sequence[Retraining], today: Today) -> Alert:
    found = one.judgement
    if found.worst is None:
        return _row(one, today, NO_DATA, NOTHING, history[-1].since if history else None, found.reason)
    if not found.fires:
        return _row(one, today, OK, NOTHING, None, found.reason)
    past = _episode(one.rule, history, today)
    obstacle = _obstacle(one, retrainings, today) if one.rule.action == RETRAIN else None
    if obstacle is not None:
        return _not_retrained(one, past, retrainings, today, obstacle)
    if one.rule.action == RETRAIN:
        return _row(one, today, FIRING, RETRAIN, past.since, f"{found.reason}; asked for a retraining")
    if past.rested:
        return _row(one, today, FIRING, NOTIFY, past.since, found.reason)
    return _row(one, today, COOLING, NOTHING, past.since, f"{found.reason}; told on {past.acted}")


def _episode(rule: Rule, history: Sequence[Alert], today: Today) -> _Episode:
    open_since = history[-1].since if history else None
    acted = max((alert.date for alert in history if alert.action != NOTHING), default=None)
    rested = acted is None or acted + _cool_down(rule) <= today.date
    return _Episode(history, open_since or today.date, open_since is None, acted, rested)


def _not_retrained(
    one: Judged, past: _Episode, retrainings: Sequence[Retraining], today: Today, obstacle: str
) -> Alert:
    """Beyond the limit, and a reason not to train again. Told when the episode begins and when a retraining failed."""
    reason = f"{one.judgement.reason}; {obstacle}"
    if past.begins and past.rested:
        return _row(one, today, FIRING, NOTIFY, past.since, reason)
    news = _news(one.rule, past.alerts, retrainings)
    if news and news not in reason:
        reason = f"{reason}; {news}"
    return _row(one, today, COOLING, NOTIFY if news else NOTHING, past.since, reason)


def _news(rule: Rule, alerts: Sequence[Alert], retrainings: Sequence[Retraining]) -> str | None:
    """The outcome of the last retraining, where this rule asked for it, it did not help, and that was not told yet."""
    last = retrainings[-1] if retrainings else None
    if last is None or rule.name not in last.rules or last.outcome not in (*_UNHELPFUL, "failed"):
        return None
    return None if any(last.sentence() in alert.reason for alert in alerts) else last.sentence()


def _obstacle(one: Judged, retrainings: Sequence[Retraining], today: Today) -> str | None:
    """Why not to ask for a retraining, in words; None when nothing speaks against it."""
    last = retrainings[-1] if retrainings else None
    if last is not None:
        if last.running:
            return last.sentence()
        if last.date + _cool_down(one.rule) > today.date:
            return last.sentence()
    if today.champion is not None and one.anew is not None and not one.anew.fires:
        champion = today.champion
        return (
            f"champion v{champion.version} was trained on {champion.trained}, no window since then is beyond the limit"
        )
    if last is not None and last.outcome in _UNHELPFUL and not today.new_labels(last.date):
        return f"{last.sentence()}; no labels have come since"
    return None


def _cool_down(rule: Rule) -> datetime.timedelta:
    # Evaluated twice on a day it must not act twice.
    return datetime.timedelta(days=max(rule.cool_down_days, 1))


def _retraining(asking: Sequence[Alert], today: Today) -> Retraining:
    rules = tuple(dict.fromkeys(alert.rule for alert in asking))
    reasons = "; ".join(f"{_named(alert)}: {alert.reason.rpartition(';')[0]}" for alert in asking)
    champion = today.champion.version if today.champion else None
    return Retraining(identifier(today.date), today.date, rules, reasons, champion, REQUESTED, None, None, today.run_id)


def _gone(
    rules: Mapping[str, Rule], present: set[Key], histories: Mapping[Key, list[Alert]], today: Today
) -> list[Alert]:
    """Open episodes of slices that have no rows any more."""
    found = []
    for key, history in histories.items():
        rule, last = rules.get(key[0]), history[-1]
        if rule is None or rule.slice != key[1] or key in present or last.since is None:
            continue
        nothing = Judgement(key[2], False, None, (), f"no rows where {key[1]} is {key[2]}")
        found.append(_row(Judged(rule, nothing), today, NO_DATA, NOTHING, last.since, nothing.reason))
    return found


def _row(one: Judged, today: Today, state: str, action: str, since: datetime.date | None, reason: str) -> Alert:
    rule, worst = one.rule, one.judgement.worst
    return Alert(
        date=today.date,
        rule=rule.name,
        slice_key=rule.slice,
        slice_value=one.judgement.slice_value,
        column_name=worst.column if worst else ", ".join(rule.looked_at),
        metric=rule.metric,
        state=state,
        action=action,
        value=worst.value if worst else None,
        bound=rule.bound(worst.value if worst else None),
        breaches=worst.breaches if worst else 0,
        windows=worst.windows if worst else 0,
        window=worst.window if worst else None,
        since=since,
        reason=reason,
        run_id=today.run_id,
    )


def _key(one: Judged) -> Key:
    return (one.rule.name, one.rule.slice, one.judgement.slice_value)


def _named(alert: Alert) -> str:
    return alert.rule if alert.slice_key is None else f"{alert.rule} ({alert.slice_key} {alert.slice_value})"
