"""Rates by group, through fairlearn, and the disparities between groups.

The calibration gap of a group is its mean predicted probability less its observed rate: above zero its risk is
overstated. The calibration difference is the largest gap less the smallest, so that a model that is off for everybody
alike shows in the groups' gaps and errors and not as a difference.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ml_code.platform.evaluation.metrics import Floats, calibration_error

DECISION_RATES = ("selection_rate", "true_positive_rate", "false_positive_rate")
PROBABILITY_RATES = ("mean_predicted", "observed_rate", "calibration_gap", "calibration_error")
RATES = DECISION_RATES + PROBABILITY_RATES

# By which groups each disparity is judged: those with enough rows, or those with enough outcomes and non-outcomes too.
BY_ROWS = ("demographic_parity_difference", "demographic_parity_ratio", "calibration_difference", "calibration_error")
BY_OUTCOMES = ("equal_opportunity_difference", "equalized_odds_difference")
DISPARITIES = BY_ROWS + BY_OUTCOMES


def rates_by_group(groups: Any, y: Floats, p: Floats, decided: Floats) -> pd.DataFrame:
    """Rows, outcomes and RATES, one row a group, sorted by its name; NaN where a rate is a share of nothing."""
    from fairlearn import metrics

    of_decisions = {name: getattr(metrics, name) for name in DECISION_RATES}
    of_probabilities = {
        "rows": metrics.count,
        "outcomes": lambda outcome, _: outcome.sum(),
        "mean_predicted": metrics.mean_prediction,
        "observed_rate": lambda outcome, _: outcome.mean(),
        "calibration_gap": lambda outcome, predicted: predicted.mean() - outcome.mean(),
        "calibration_error": calibration_error,
    }
    frames = [
        metrics.MetricFrame(metrics=named, y_true=y, y_pred=said, sensitive_features=groups).by_group
        for named, said in ((of_probabilities, p), (of_decisions, decided))
    ]
    found: pd.DataFrame = pd.concat(frames, axis=1).astype(float)
    # fairlearn says 0 for a share of nothing.
    found.loc[found["outcomes"] == 0, "true_positive_rate"] = np.nan
    found.loc[found["outcomes"] == found["rows"], "false_positive_rate"] = np.nan
    return found


def disparities(rates: Mapping[str, Floats], by_rows: Sequence[int], by_outcomes: Sequence[int]) -> dict[str, Floats]:
    """Each of DISPARITIES among the numbered groups that are judged by it; NaN with fewer than two of them.

    `rates` are resamples x groups. The definitions are those of fairlearn's functions of the same names, which take one
    resample at a time; the calibration error is that of the worst group.
    """
    found = {}
    if len(by_rows) >= 2:
        selected = rates["selection_rate"][:, by_rows]
        with np.errstate(invalid="ignore"):
            found["demographic_parity_ratio"] = selected.min(axis=1) / selected.max(axis=1)
        found["demographic_parity_difference"] = np.ptp(selected, axis=1)
        found["calibration_difference"] = np.ptp(rates["calibration_gap"][:, by_rows], axis=1)
        found["calibration_error"] = rates["calibration_error"][:, by_rows].max(axis=1)
    if len(by_outcomes) >= 2:
        found["equal_opportunity_difference"] = np.ptp(rates["true_positive_rate"][:, by_outcomes], axis=1)
        false_alarms = np.ptp(rates["false_positive_rate"][:, by_outcomes], axis=1)
        found["equalized_odds_difference"] = np.maximum(found["equal_opportunity_difference"], false_alarms)
    undefined = np.full(len(rates["selection_rate"]), np.nan)
    return {name: found.get(name, undefined) for name in DISPARITIES}
