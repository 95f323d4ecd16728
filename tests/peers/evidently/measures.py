"""Run by evidently's interpreter: its stat tests on the columns of two Parquet files, printed as JSON.

measures.py <present> <baseline> <columns of numbers, by commas> <columns of texts, by commas>
"""

import json
import sys

import pandas as pd
from evidently.legacy.calculations.stattests import (
    chi_stat_test,
    jensenshannon_stat_test,
    ks_stat_test,
    psi_stat_test,
    wasserstein_stat_test,
)
from evidently.legacy.core import ColumnType

NUMBERS = {
    "ks": ks_stat_test,
    "wasserstein": wasserstein_stat_test,
    "psi": psi_stat_test,
    "js": jensenshannon_stat_test,
}
TEXTS = {"chi_square": chi_stat_test, "psi": psi_stat_test, "js": jensenshannon_stat_test}


def main() -> None:
    """One line of JSON: column, measure, value."""
    present, baseline = pd.read_parquet(sys.argv[1]), pd.read_parquet(sys.argv[2])
    found = {}
    for names, kind, tests in (
        (sys.argv[3], ColumnType.Numerical, NUMBERS),
        (sys.argv[4], ColumnType.Categorical, TEXTS),
    ):
        for name in filter(None, names.split(",")):
            sides = (baseline[name].dropna(), present[name].dropna())
            found[name] = {key: float(test(*sides, kind, None).drift_score) for key, test in tests.items()}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
