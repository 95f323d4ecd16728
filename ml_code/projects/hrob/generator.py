"""A generator of made-up members with known truth, in the same schema as the births sample.

How a member comes about (all draws from one seeded generator per chunk, so any chunk can be made alone):

1. Mother and father: age, education, group. `hardship` is a hidden standard-normal value that also shifts education.
2. Prenatal care begins in a month that hardship delays; each month from then on brings visits; smoking a day is a
   monthly value around the member's habit. `events` returns these months, one row a member and month.
3. The truth: logit(p) = intercept + BETA · (late care, few visits a month, cigarettes, teenage or mature mother,
   education, hidden hardship). The outcome is drawn from p, so the best possible AUC is that of p itself (`truth`).
4. Outcomes are late: known `outcome_delay` days after the record, by member.
5. Drifts, if asked for, hold from a day on: `shift` moves hardship (the members change), `effects` takes the place of
   coefficients of BETA (what the same features mean changes; the features stay as they are). Shifts of several add up.

Everything that runs on it says so: identifiers begin with `g`, files with `generated-`, and the training run and the
model version carry `data_source=generator`.
"""

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MONTHS = 9
CHUNK = 50_000

INTERCEPT = -3.6
BETA = {
    "late_care": 1.1,
    "few_visits": 0.9,
    "cigarettes": 0.10,
    "teenage": 0.9,
    "mature": 0.7,
    "education": -0.10,
    "hardship": 0.5,
}


@dataclass(frozen=True)
class Drift:
    """A change from a day on: hardship moves by `shift` deviations, coefficients of BETA become those of `effects`."""

    begins: datetime.date
    shift: float = 0.0
    effects: Mapping[str, float] = field(default_factory=dict)
    ends: datetime.date | None = None  # first day on which it holds no more; None: it stays

    def holds(self, days: NDArray[np.datetime64]) -> NDArray[np.bool_]:
        """Whether it holds, by day."""
        begun = days >= np.datetime64(self.begins, "D")
        return begun if self.ends is None else begun & (days < np.datetime64(self.ends, "D"))


@dataclass(frozen=True)
class Population:
    """What to make: members numbered from 0, their days spread evenly over the calendar."""

    members: int
    first_day: datetime.date = datetime.date(2026, 1, 1)
    days: int = 365
    seed: int = 11
    missing: float = 0.03  # share of values left out of the optional columns
    outcome_delay: tuple[int, int] = (20, 120)  # days, drawn evenly, the second not included
    drifts: tuple[Drift, ...] = ()


@dataclass(frozen=True)
class _Members:
    number: NDArray[np.int64]
    day: NDArray[np.datetime64]
    mage: Floats
    fage: Floats
    meduc: Floats
    feduc: Floats
    group: NDArray[np.int64]
    father_group: NDArray[np.int64]
    start: Floats  # month in which care began; 0: never
    visits: Floats  # members x months
    cigs: Floats  # members x months
    hardship: Floats
    risk: Floats
    rng: np.random.Generator


def births(population: Population) -> pa.Table:
    """One row a member in the schema of the births sample."""
    return pa.concat_tables(births_in_chunks(population))


def births_in_chunks(population: Population) -> Iterator[pa.Table]:
    """The same, at most CHUNK members at a time."""
    for members in _chunks(population):
        yield _births_of(members, population)


def truth(population: Population) -> pa.Table:
    """The true probability of the outcome by member: birth_id, true_risk."""
    parts = [
        pa.table({"birth_id": _identifiers(members.number), "true_risk": members.risk})
        for members in _chunks(population)
    ]
    return pa.concat_tables(parts)


def events(population: Population, measures: int = 50) -> Iterator[pa.Table]:
    """Monthly events in chunks: member, birth_id, month 1 to 9 and `measures` values (float32) m00, m01, …

    m00 is visits, m01 cigarettes a day, m02 hardship seen with noise; the others are noise around the member's level.
    With ten statistics over each, 50 measures make 500 features.
    """
    if measures < 3:
        raise ValueError(f"expected at least 3 measures, found {measures}")
    for members in _chunks(population):
        count = len(members.number)
        level = members.rng.standard_normal((count, measures), dtype=np.float32)
        values = members.rng.standard_normal((count, MONTHS, measures), dtype=np.float32)
        values += level[:, None, :]
        values[:, :, 0] = members.visits
        values[:, :, 1] = members.cigs
        values[:, :, 2] = members.hardship[:, None] + 0.5 * values[:, :, 2]
        flat = values.reshape(count * MONTHS, measures)
        columns = {
            "member": np.repeat(members.number, MONTHS),
            "birth_id": _identifiers(members.number).take(pa.array(np.repeat(np.arange(count), MONTHS))),
            "month": np.tile(np.arange(1, MONTHS + 1, dtype=np.int32), count),
        }
        yield pa.table(columns | {f"m{index:02d}": flat[:, index] for index in range(measures)})


def _chunks(population: Population) -> Iterator[_Members]:
    for first in range(0, population.members, CHUNK):
        yield _make(population, first, min(CHUNK, population.members - first))


def _make(population: Population, first: int, count: int) -> _Members:
    rng = np.random.default_rng((population.seed, first))
    number = np.arange(first, first + count, dtype=np.int64)
    day = np.datetime64(population.first_day, "D") + rng.integers(0, population.days, count)
    shift = np.zeros(count)
    beta = {name: np.full(count, value) for name, value in BETA.items()}
    for drift in population.drifts:
        holds = drift.holds(day)
        shift += drift.shift * holds
        for name, value in drift.effects.items():
            beta[name][holds] = value

    hardship = rng.standard_normal(count) + shift
    mage = np.clip(np.rint(rng.normal(29 - 1.2 * hardship, 5.5)), 14, 48)
    fage = np.clip(np.rint(mage + rng.normal(2.3, 3.5, count)), 16, 64)
    meduc = np.clip(np.rint(rng.normal(13.6 - 0.9 * hardship, 1.9)), 3, 17)
    feduc = np.clip(np.rint(0.5 * meduc + rng.normal(7.0, 1.7, count)), 3, 17)
    start = np.clip(np.rint(rng.gamma(2.2, 1.0, count) + 0.7 * np.maximum(hardship, 0)), 1, MONTHS)
    start = np.where(rng.random(count) < 0.004, 0, start)
    months = np.arange(1, MONTHS + 1)
    cared_for = (start[:, None] > 0) & (months >= start[:, None])
    pace = np.maximum(1.45 - 0.25 * hardship, 0.3)
    visits = _poisson(pace, rng.random((count, MONTHS))) * cared_for
    habit = np.where(rng.random(count) < 0.10 + 0.05 * np.clip(hardship, -1, 3), rng.gamma(2.0, 5.0, count), 0.0)
    cigs = np.clip(habit[:, None] * rng.uniform(0.7, 1.3, (count, MONTHS)), 0, 60)

    logit = (
        INTERCEPT
        + beta["late_care"] * ((start >= 4) | (start == 0))
        + beta["few_visits"] * (visits.sum(axis=1) / np.maximum(cared_for.sum(axis=1), 1) < 1)
        + beta["cigarettes"] * cigs.mean(axis=1)
        + beta["teenage"] * (mage < 20)
        + beta["mature"] * (mage >= 35)
        + beta["education"] * (meduc - 13)
        + beta["hardship"] * hardship
    )
    return _Members(
        number=number,
        day=day,
        mage=mage,
        fage=fage,
        meduc=meduc,
        feduc=feduc,
        group=rng.choice(3, count, p=[0.80, 0.12, 0.08]),
        father_group=rng.choice(3, count, p=[0.80, 0.12, 0.08]),
        start=start,
        visits=visits,
        cigs=cigs,
        hardship=hardship,
        risk=1 / (1 + np.exp(-logit)),
        rng=rng,
    )


def _poisson(mean: Floats, uniform: Floats) -> Floats:
    """Poisson counts by the inverse of the distribution, at most 12; one draw a value, so drift moves no later draw."""
    term = np.exp(-mean)[:, None]
    reached = np.broadcast_to(term, uniform.shape).copy()
    counts = np.zeros(uniform.shape)
    for number in range(1, 13):
        counts += uniform > reached
        term = term * mean[:, None] / number
        reached += term
    return counts


def _births_of(members: _Members, population: Population) -> pa.Table:
    rng, count = members.rng, len(members.number)
    low = rng.random(count) < members.risk
    # Below the limit of 2,500 g exactly when the outcome was drawn.
    weight = np.where(low, rng.triangular(700, 2400, 2499, count), np.clip(rng.normal(3450, 420, count), 2500, 5200))
    apgar = np.clip(np.rint(rng.normal(8.6 - 1.2 * low, 0.9, count)), 0, 10)

    def whole(values: Floats, optional: bool = True) -> pa.Array:
        left_out = rng.random(count) < population.missing if optional else None
        return pa.array(values.astype(np.int64), mask=left_out)

    return pa.table(
        {
            "birth_id": _identifiers(members.number),
            "record_date": pa.array(members.day, pa.date32()),
            "mage": whole(members.mage, optional=False),
            "meduc": whole(members.meduc),
            "monpre": whole(members.start),
            "npvis": whole(np.minimum(members.visits.sum(axis=1), 100)),
            "fage": whole(members.fage),
            "feduc": whole(members.feduc),
            "cigs": pa.array(np.round(members.cigs.mean(axis=1), 1), mask=rng.random(count) < population.missing),
            "drink": np.round(rng.exponential(0.3, count) * (rng.random(count) < 0.05), 1),
            "male": rng.integers(0, 2, count),
            **{f"m{name}": (members.group == code).astype(np.int64) for code, name in enumerate(_GROUPS)},
            **{f"f{name}": (members.father_group == code).astype(np.int64) for code, name in enumerate(_GROUPS)},
            "outcome_date": pa.array(members.day + rng.integers(*population.outcome_delay, count), pa.date32()),
            "bwght": np.rint(weight).astype(np.int64),
            "omaps": apgar.astype(np.int64),
            "fmaps": np.minimum(apgar + 1, 10).astype(np.int64),
        }
    )


_GROUPS = ("whte", "blck", "oth")


def _identifiers(number: NDArray[np.int64]) -> pa.Array:
    return pa.array(np.char.add("g", np.char.zfill(number.astype(str), 7)))
