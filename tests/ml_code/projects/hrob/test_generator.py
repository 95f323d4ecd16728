from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest

from ml_code.platform.data_checks.rules import check_csv
from ml_code.platform.evaluation.metrics import auc, calibration_ratio
from ml_code.projects.hrob.generator import Drift, Population, births, births_in_chunks, events, truth
from ml_code.projects.hrob.land import in_file_order
from ml_code.projects.hrob.schema import KEY, RULES

MANY = Population(members=30_000)


def outcomes(population: Population) -> pd.DataFrame:
    rows = births(population).to_pandas().merge(truth(population).to_pandas(), on=KEY)
    return rows.assign(low=(rows["bwght"] < 2500).astype(float))


def test_the_same_seed_makes_the_same_members_and_another_seed_others() -> None:
    small = Population(members=500)
    assert births(small).equals(births(small))
    assert not births(small).equals(births(Population(members=500, seed=12)))


def test_a_member_is_the_same_in_a_larger_population() -> None:
    first = next(births_in_chunks(Population(members=120_000)))
    assert first.equals(next(births_in_chunks(Population(members=50_000))))


def test_the_truth_is_the_truth() -> None:
    rows = outcomes(MANY)
    low, risk = rows["low"].to_numpy(), rows["true_risk"].to_numpy()
    assert calibration_ratio(low, risk) == pytest.approx(1, abs=0.05)
    assert auc(low, risk) == pytest.approx(0.80, abs=0.02)
    for band in np.array_split(np.argsort(risk), 5):
        assert low[band].mean() == pytest.approx(risk[band].mean(), rel=0.25, abs=0.01)


def test_it_meets_the_rules_of_a_landed_file() -> None:
    content = in_file_order(births(Population(members=2_000)).to_pandas()).to_csv(index=False).encode()
    table = check_csv(content, RULES, KEY)
    assert table.num_rows == 2_000
    assert table.column("fage").null_count > 0


def test_outcomes_are_late() -> None:
    rows = births(Population(members=2_000)).to_pandas()
    days = (pd.to_datetime(rows["outcome_date"]) - pd.to_datetime(rows["record_date"])).dt.days
    assert days.between(20, 119).all()
    assert days.nunique() > 50


def test_drift_begins_on_its_day() -> None:
    begins = datetime.date(2026, 7, 1)
    drifted = outcomes(
        Population(members=30_000, drifts=(Drift(begins, shift=1.0, effects={"cigarettes": 0.2, "late_care": 2.2}),))
    )
    plain = outcomes(MANY)
    before = drifted["record_date"] < begins
    assert drifted.loc[before, "true_risk"].equals(plain.loc[before, "true_risk"])
    assert drifted.loc[~before, "low"].mean() > 1.5 * plain.loc[~before, "low"].mean()
    assert drifted.loc[~before, "mage"].mean() < plain.loc[~before, "mage"].mean() - 0.5


def test_a_drift_ends_on_its_day_and_several_add_up() -> None:
    first, last = datetime.date(2026, 3, 1), datetime.date(2026, 9, 1)
    drifts = (Drift(first, shift=1.0, ends=last), Drift(last, effects={"cigarettes": -0.1}))
    drifted = births(Population(members=30_000, drifts=drifts)).to_pandas()
    plain = births(MANY).to_pandas()
    within = (drifted["record_date"] >= first) & (drifted["record_date"] < last)
    assert drifted.loc[within, "mage"].mean() < plain.loc[within, "mage"].mean() - 0.5
    # From the last day on only the outcomes are others.
    assert drifted.loc[~within, "mage"].equals(plain.loc[~within, "mage"])
    after = drifted["record_date"] >= last
    smokers = drifted["cigs"] > 5
    low = drifted["bwght"] < 2500
    assert low[after & smokers].mean() < low[after & ~smokers].mean()


def test_events_are_what_the_births_sum_up() -> None:
    population = Population(members=400, missing=0.0)
    months = next(events(population, measures=5)).to_pandas()
    rows = births(population).to_pandas().set_index(KEY)
    assert len(months) == 400 * 9
    by_member = months.groupby(KEY)
    assert (by_member["m00"].sum() == rows["npvis"]).all()
    assert np.allclose(by_member["m01"].mean(), rows["cigs"], atol=0.06)
    assert set(months["month"]) == set(range(1, 10))
