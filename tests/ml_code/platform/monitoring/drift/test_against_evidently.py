"""Our measures and evidently's stat tests on the same data.

Comparable as they are: the Kolmogorov-Smirnov p-value; the Wasserstein distance, which evidently divides by the
baseline's standard deviation; of texts the Jensen-Shannon distance (to base e there, to base 2 here) and, while no
category is empty on a side, the population stability index. Of numbers evidently bins both samples together by
Sturges' rule where we take the baseline's deciles: given its bins our functions give its index and its distance.
Not comparable: its chi-square is a test of fit, which takes the baseline for the truth; ours takes it for a sample.
On a baseline that repeats itself 5,000 times the two meet.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ml_code.platform.data_checks.columns import prepare
from ml_code.platform.monitoring.drift.chi_square import chi_square
from ml_code.platform.monitoring.drift.compare import aligned, compare
from ml_code.platform.monitoring.drift.jensen_shannon import jensen_shannon
from ml_code.platform.monitoring.drift.population_stability_index import population_stability_index
from tests.support.peers import run_peer

NUMBERS = ("normal", "rounded", "skewed", "with_nulls")
TEXTS = ("few", "many")
_SCRIPT = Path(__file__).parents[5] / "tests/peers/evidently/measures.py"
_NATURAL = math.sqrt(math.log(2))


def sample(seed: int, rows: int, moved: float) -> pa.Table:
    rng = np.random.default_rng(seed)
    return pa.table(
        {
            "normal": rng.normal(moved, 1, rows),
            "rounded": np.round(rng.normal(moved, 2, rows)),
            "skewed": rng.gamma(2 + moved, 1, rows),
            "with_nulls": pa.array(rng.normal(moved, 1, rows), mask=rng.random(rows) < 0.2),
            "few": rng.choice(["a", "b", "c"], rows, p=[0.5, 0.3 - moved / 10, 0.2 + moved / 10]),
            "many": rng.choice([f"v{number}" for number in range(30)], rows),
        }
    )


@pytest.fixture(scope="module")
def sides() -> tuple[pa.Table, pa.Table]:
    return sample(1, 4_000, 0.3), sample(2, 5_000, 0.0)


@pytest.fixture(scope="module")
def evidently(sides: tuple[pa.Table, pa.Table], tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("evidently")
    paths = [str(folder / "present.parquet"), str(folder / "baseline.parquet")]
    for path, side in zip(paths, sides, strict=True):
        pq.write_table(side, path)
    answer: dict[str, dict[str, Any]] = json.loads(
        run_peer("evidently", str(_SCRIPT), *paths, ",".join(NUMBERS), ",".join(TEXTS)).splitlines()[-1]
    )
    return answer


def numbers(side: pa.Table, name: str) -> Any:
    return side.column(name).drop_null().to_numpy()


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers(sides: tuple[pa.Table, pa.Table], evidently: dict[str, dict[str, Any]], name: str) -> None:
    present, baseline = sides
    found, theirs = compare(*(prepare(name, side.column(name)) for side in sides)), evidently[name]
    assert found.ks_test is not None
    assert found.ks_test.pvalue == pytest.approx(theirs["ks"], rel=1e-9)
    assert found.wasserstein_distance == pytest.approx(theirs["wasserstein"] * numbers(baseline, name).std())

    if name == "rounded":  # so few values that evidently counts each
        values = np.unique(np.concatenate([numbers(side, name) for side in sides]))
        counts = [np.array([(numbers(side, name) == value).sum() for value in values]) for side in sides]
    else:
        edges = np.histogram_bin_edges(np.concatenate([numbers(baseline, name), numbers(present, name)]), "sturges")
        counts = [np.histogram(numbers(side, name), edges)[0] for side in sides]
    assert jensen_shannon(*counts) == pytest.approx(theirs["js"] / _NATURAL)
    if all(count.all() for count in counts):
        assert population_stability_index(*counts) == pytest.approx(theirs["psi"])


@pytest.mark.parametrize("name", TEXTS)
def test_texts(sides: tuple[pa.Table, pa.Table], evidently: dict[str, dict[str, Any]], name: str) -> None:
    columns = [prepare(name, side.column(name)) for side in sides]
    found, theirs = compare(*columns), evidently[name]
    assert found.js_distance == pytest.approx(theirs["js"] / _NATURAL)
    assert found.population_stability_index == pytest.approx(theirs["psi"])
    present, baseline = aligned(*(column.categories for column in columns))  # type: ignore[arg-type]
    as_truth = chi_square(present, baseline * 5_000)
    assert as_truth is not None
    assert as_truth.pvalue == pytest.approx(theirs["chi_square"], rel=0.05)
