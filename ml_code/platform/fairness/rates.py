"""Rates by group and the disparities between groups, both through fairlearn.

The calibration gap of a group is its mean predicted probability less its observed rate: above zero its risk is
overstated. The calibration difference is the largest gap less the smallest, so that a model that is off for everybody
alike shows in the groups' gaps and errors and not as a difference.
"""

from collections.abc import Collection
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


def disparities(
    groups: Any, y: Floats, p: Floats, decided: Floats, by_rows: Collection[str], by_outcomes: Collection[str]
) -> dict[str, float]:
    """Each of DISPARITIES among the groups that are judged by it; NaN with fewer than two of them."""
    from fairlearn import metrics

    values = dict.fromkeys(DISPARITIES, float("nan"))
    if len(by_rows) >= 2:
        taken = np.isin(groups, list(by_rows))
        args, sensitive = (y[taken], decided[taken]), {"sensitive_features": groups[taken]}
        values["demographic_parity_difference"] = float(metrics.demographic_parity_difference(*args, **sensitive))
        values["demographic_parity_ratio"] = float(metrics.demographic_parity_ratio(*args, **sensitive))
        found = rates_by_group(groups[taken], y[taken], p[taken], decided[taken])
        values["calibration_difference"] = float(np.ptp(found["calibration_gap"]))
        values["calibration_error"] = float(found["calibration_error"].max())
    if len(by_outcomes) >= 2:
        taken = np.isin(groups, list(by_outcomes))
        args, sensitive = (y[taken], decided[taken]), {"sensitive_features": groups[taken]}
        values["equal_opportunity_difference"] = float(metrics.equal_opportunity_difference(*args, **sensitive))
        values["equalized_odds_difference"] = float(metrics.equalized_odds_difference(*args, **sensitive))
    return values
