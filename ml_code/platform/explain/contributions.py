"""What each feature adds to a prediction: exact SHAP values of a LightGBM booster, computed by LightGBM itself.

Source: Lundberg, Erion, Lee, "Consistent Individualized Feature Attribution for Tree Ensembles" (2018), algorithm 2
(path-dependent TreeSHAP), which LightGBM has built in as `pred_contrib`.
"""

from collections.abc import Iterator

import lightgbm
import numpy as np
from numpy.typing import NDArray

from ml_code.platform.features.preparation import Matrix

Floats = NDArray[np.float64]

# Values that LightGBM gives back at a time: 8 MB beside the result, whatever the number of rows and features.
_VALUES_AT_A_TIME = 1_000_000


def contributions(booster: lightgbm.Booster, matrix: Matrix) -> tuple[float | Floats, Floats]:
    """Expected value and contributions on the booster's raw scale: log odds of a binary model, units of a regression.

    Returns a number and rows x features; of a multi-class booster one number a class and rows x features x classes. A
    row's contributions and the expected value add up to its raw score. Without rows the expected value is NaN.
    """
    classes = _classes(booster)
    values = np.empty((len(matrix), booster.num_feature(), classes))
    expected: Floats = np.full(classes, np.nan)
    done = 0
    for expected, part in contributions_in_chunks(booster, matrix):  # noqa: B007  # the last one is returned, all are equal
        values[done : done + len(part)] = part
        done += len(part)
    return (expected, values) if classes > 1 else (float(expected[0]), values[:, :, 0])


def contributions_in_chunks(booster: lightgbm.Booster, matrix: Matrix) -> Iterator[tuple[Floats, Floats]]:
    """Expected value by class and rows x features x classes (one class unless multi-class), some rows at a time."""
    classes, features = _classes(booster), booster.num_feature()
    rows = max(1, _VALUES_AT_A_TIME // ((features + 1) * classes))
    for start in range(0, len(matrix), rows):
        flat = np.asarray(booster.predict(matrix[start : start + rows], pred_contrib=True), dtype=np.float64)
        # A row has one block a class: the features, then the expected value.
        blocks = flat.reshape(len(flat), classes, features + 1)
        yield blocks[0, :, -1], blocks[:, :, :-1].transpose(0, 2, 1)


def _classes(booster: lightgbm.Booster) -> int:
    return int(booster.num_model_per_iteration())
