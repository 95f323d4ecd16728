from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ml_code.platform.features.events import STATISTICS, event_features, write_event_features
from ml_code.projects.hrob.generator import Population, events
from tests.ml_code.conftest import Place

MEASURES = ["m00", "m01", "m02", "m03"]


@pytest.fixture(scope="module")
def months() -> pd.DataFrame:
    made = next(events(Population(members=120), measures=4)).to_pandas()
    # Some months are absent, the first and the last among them.
    return made[(made.index * 7) % 11 != 0].reset_index(drop=True)


def by_pandas(months: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for member, own in months.sort_values("month").groupby("member"):
        row: dict[str, float] = {"member": float(member)}
        for name in MEASURES:
            values = own[name].to_numpy(dtype=np.float64)
            at = dict(zip(own["month"], values, strict=True))
            found = (
                values.sum(),
                values.mean(),
                values.min(),
                values.max(),
                np.ptp(values),
                values.std(),
                at.get(1, np.nan),
                at.get(9, np.nan),
                values[own["month"] > 6].mean(),
                np.polyfit(own["month"], values, 1)[0],
            )
            row |= {f"{name}_{statistic}": value for statistic, value in zip(STATISTICS, found, strict=True)}
        rows.append(row)
    return pd.DataFrame(rows)


def test_statistics_equal_those_of_pandas(place: Place, months: pd.DataFrame) -> None:
    frame = place.context("test", "2026-01-01").spark.createDataFrame(months)
    found = event_features(frame, MEASURES).orderBy("member").toPandas()
    expected = by_pandas(months)
    assert list(found.columns) == list(expected.columns)
    np.testing.assert_allclose(found.to_numpy(float), expected.to_numpy(float), rtol=1e-4, atol=1e-4)


def test_parts_are_the_whole(place: Place, months: pd.DataFrame) -> None:
    frame = place.context("test", "2026-01-01").spark.createDataFrame(months)
    parts: list[pd.DataFrame] = []
    write_event_features(frame, MEASURES, lambda part: parts.append(part.toPandas()), members=120, step=50)
    assert [len(part) for part in parts] == [50, 50, 20]
    whole = event_features(frame, MEASURES).orderBy("member").toPandas()
    pd.testing.assert_frame_equal(pd.concat(parts).sort_values("member", ignore_index=True), whole)
