"""False alarms of drift rules: the share of quiet quarters (13 weeks) in which a rule fires although nothing changed.

Each quarter has members of its own from the generator, without drift: a baseline and 13 weeks of them, compared column
by column as the monitor does and judged as `hrob.rules` does. Ours is staging's rule `feature-drift`; the peer is the
rule of thumb that templates come with: a PSI above 0.2 in any column of the latest week. Three sizes, because noise
goes with the rows: the births sample has about 35 a week. No goal was set.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from infra.settings import load_settings
from ml_code.platform.data_checks.bins import bins_of
from ml_code.platform.data_checks.columns import prepare
from ml_code.platform.monitoring.drift.compare import compare
from ml_code.platform.monitoring.judgement import Reading, judge
from ml_code.platform.monitoring.noise import adjusted
from ml_code.platform.monitoring.rules import Rule, read_rules
from ml_code.platform.monitoring.windows import Granularity
from ml_code.projects.hrob.generator import Population, births
from tests.benchmarks.harness import NO_GOAL, Row, say

QUARTERS, WEEKS = 100, 13
BASELINE_WEEKS = 4
SIZES = {"1,000 a week": 1_000, "200 a week": 200, "35 a week": 35}
COLUMNS = ("mage", "meduc", "monpre", "npvis", "fage", "feduc", "cigs")
MONDAY = datetime.date(2026, 1, 5)

NOTE = """Share of quiet quarters with at least one alert: staging's `feature-drift` (PSI with chance taken out, two
columns, two of the last three weeks) against a PSI above 0.2 in any column of the latest week, on made-up members
without drift. Where no column has rows enough to be judged nothing is alarmed either: `judged` tells in which share of
the quarters the rule could say anything."""


def measure() -> Row:
    rule = _rule_of_settings()
    thumb = Rule(name="thumb", metric=rule.metric, table="drift", above=0.2, granularity="1 week")
    shares: dict[str, tuple[float, float, float]] = {}
    for name, members in SIZES.items():
        shares[name] = _shares(members, rule, thumb)
        say(f"  {name}: ours {shares[name][0]:.3f}, rule of thumb {shares[name][1]:.3f}")
    ours, peer, _ = next(iter(shares.values()))
    extra = {f"{name}, ours": share[0] for name, share in shares.items()}
    extra |= {f"{name}, rule of thumb": share[1] for name, share in shares.items()}
    extra |= {f"{name}, judged": share[2] for name, share in shares.items()}
    ratio = round(ours / peer, 4) if peer else 0.0
    return Row("false-alarms", ours, peer, ratio, "share of quiet quarters", NO_GOAL, True, extra)


def _rule_of_settings() -> Rule:
    every = load_settings("staging", branch="main", variables={}).values.monitoring.rules
    found = next(rule for rule in every if rule.name == "feature-drift")
    return read_rules(json.dumps([found.as_parameter()]))[0]


def _shares(members: int, rule: Rule, thumb: Rule) -> tuple[float, float, float]:
    fired, thumbed, judged = 0, 0, 0
    for quarter in range(QUARTERS):
        readings = list(_readings(members, quarter))
        ours, said = _fires(rule, readings)
        fired, judged = fired + ours, judged + said
        thumbed += _fires(thumb, readings)[0]
    return fired / QUARTERS, thumbed / QUARTERS, judged / QUARTERS


def _fires(rule: Rule, readings: list[Reading]) -> tuple[bool, bool]:
    """Whether the rule fires at the end of any week, and whether it had data at the end of any."""
    known = adjusted(rule, [each for each in readings if (each.rows or 0) >= rule.minimum_rows])
    week = Granularity("1 week")
    fires = said = False
    for number in range(WEEKS):
        moment = datetime.datetime.combine(MONDAY, datetime.time(), datetime.UTC) + datetime.timedelta(weeks=number)
        found = judge(rule, known, week.window(moment).end)
        fires, said = fires or found.fires, said or found.worst is not None
    return fires, said


def _readings(members: int, seed: int) -> Iterator[Reading]:
    """PSI of each column in each week of a quarter."""
    weeks = BASELINE_WEEKS + WEEKS
    population = Population(members * weeks, MONDAY, days=7 * weeks, seed=10_000 + seed)
    table = births(population)
    number = pc.divide(pc.days_between(pa.scalar(MONDAY, pa.date32()), table.column("record_date")), 7).to_numpy()
    week = Granularity("1 week")
    for column in COLUMNS:
        values = table.column(column)
        baseline = prepare(column, values.filter(pa.array(number < BASELINE_WEEKS)))
        bins = bins_of(baseline)
        for each in range(WEEKS):
            part = prepare(column, values.filter(pa.array(number == each + BASELINE_WEEKS)))
            moment = datetime.datetime.combine(MONDAY, datetime.time(), datetime.UTC) + datetime.timedelta(weeks=each)
            psi = compare(part, baseline, exact=False).population_stability_index
            count = len(bins.counts) - 1 if bins else None
            yield Reading(column, week.window(moment), psi, part.values, None, baseline.values, count)
