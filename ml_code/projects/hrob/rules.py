"""Step hrob.rules: apply the alert rules, write their states, ask for a retraining where they say so.

Sets the task values `retrain` ("true" or "false"), `retraining` (its identifier) and `reason`.
"""

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ml_code.platform import tables
from ml_code.platform.monitoring import alert_table
from ml_code.platform.monitoring import retraining as retrainings
from ml_code.platform.monitoring.alerts import Alert, Champion, Decision, Judged, Past, Today, decide
from ml_code.platform.monitoring.judgement import judge, slice_values
from ml_code.platform.monitoring.readings import read
from ml_code.platform.monitoring.retraining import Retraining
from ml_code.platform.monitoring.retraining_outcome import begun, settle
from ml_code.platform.monitoring.rules import Rule, read_rules
from ml_code.platform.monitoring.windows import day, literal
from ml_code.platform.registry.versions import CHAMPION, Versions
from ml_code.projects.hrob.monitored import LOG
from ml_code.projects.hrob.schema import KEY

if TYPE_CHECKING:
    from ml_code.context import Context

# Beyond the longest cool-down: episodes whose state is still known after days on which nothing was evaluated.
_MEMORY = datetime.timedelta(days=60)


@dataclass(frozen=True)
class Ruled:
    """What the step decided."""

    alerts: tuple[Alert, ...]
    retraining: Retraining | None


def run(context: "Context", *, model: str, rules: str = "[]", **_: Any) -> Ruled:
    """Judge, decide, write retrainings, then alerts; a second run for the day decides and writes the same."""
    read = read_rules(rules)
    known = settle(context, model, retrainings.read(context))
    before = [row for row in known if row.date < context.date]
    champion = _champion(model)
    judged = [one for rule in read for one in _judged(context, rule, champion)]
    past = Past(_alerts_before(context, read), before)
    today = Today(context.date, context.run_id, champion, lambda since: _labels_since(context, since))
    decision = decide(judged, past, today)
    asked = _ask(context, decision, known)
    alert_table.write(context, decision.alerts)
    _tell(context, decision, asked)
    return Ruled(decision.alerts, asked)


def _judged(context: "Context", rule: Rule, champion: Champion | None) -> list[Judged]:
    until = day(context.date).end
    readings = read(context.spark, context.table(LOG), rule, until, (KEY,))
    trained = day(champion.trained).end if champion else until
    newer = [reading for reading in readings if reading.window.start >= trained]
    return [
        Judged(rule, judge(rule, readings, until, value), judge(rule, newer, until, value) if champion else None)
        for value in slice_values(rule, readings)
    ]


def _champion(model: str) -> Champion | None:
    """The champion and its training's logical day; None when there is none, or it does not say the day."""
    versions = Versions(model)
    number = versions.by_alias(CHAMPION)
    trained = versions.get(number).tags.get("date") if number is not None else None
    return Champion(str(number), datetime.date.fromisoformat(trained)) if trained else None


def _alerts_before(context: "Context", rules: tuple[Rule, ...]) -> list[Alert]:
    longest = max((rule.cool_down_days for rule in rules), default=0)
    return alert_table.read_before(context, context.date - datetime.timedelta(days=longest) - _MEMORY)


def _labels_since(context: "Context", since: datetime.date) -> int:
    name = context.table(LOG)
    if not tables.exists(context.spark, name):
        return 0
    came = f"labelled_at >= {literal(day(since).end)} AND labelled_at < {literal(day(context.date).end)}"
    return int(context.spark.table(name).where(came).count())


def _ask(context: "Context", decision: Decision, known: list[Retraining]) -> Retraining | None:
    """Write the day's request. None when another run asked already and its training began, or may still."""
    asked = decision.retraining
    if asked is None:
        return None
    # Of a later day, when an earlier one is evaluated again.
    if other := next((row for row in known if row.running and row.date > context.date), None):
        context.say(f"{other.sentence()}: no other is asked for")
        return None
    present = {row.retraining: row for row in known}.get(asked.retraining)
    if present is not None:
        elsewhere = present.run_id != context.run_id and begun(context.workspace, present.run_id)
        if elsewhere or not present.running:
            context.say(f"{present.sentence()} (asked for by run {present.run_id}): not asked for twice")
            return None
    retrainings.write(context, [asked])
    return asked


def _tell(context: "Context", decision: Decision, asked: Retraining | None) -> None:
    for alert in decision.alerts:
        place = f" ({alert.slice_key} {alert.slice_value})" if alert.slice_key else ""
        context.say(f"{alert.rule}{place}: {alert.state}: {alert.reason}")
    if not decision.alerts:
        context.say("the settings have no alert rules")
    if asked is not None:
        context.say(f"{asked.retraining}: {asked.reason}")
    context.set_task_value("retrain", "true" if asked else "false")
    context.set_task_value("retraining", asked.retraining if asked else "")
    context.set_task_value("reason", asked.reason[:1000] if asked else "")
