"""Why a member's risk is what it is: the features that raise it most, in words."""

from collections.abc import Sequence

import lightgbm
import numpy as np

from ml_code.platform.features.preparation import Matrix


def top_reasons(booster: lightgbm.Booster, matrix: Matrix, words: Sequence[str], count: int) -> list[list[str]]:
    """For each row the words of up to `count` features with the largest positive contribution (exact TreeSHAP).

    Contributions are in log odds; the last column is the expected value and no reason. Features that lower the risk are
    not named, so a row can have fewer reasons than `count`, or none.
    """
    if not len(matrix) or not count:
        return [[] for _ in range(len(matrix))]
    contributions = np.asarray(booster.predict(matrix, pred_contrib=True))[:, :-1]
    order = np.argsort(-contributions, axis=1, kind="stable")[:, :count]
    strongest = np.take_along_axis(contributions, order, axis=1)
    return [
        [words[feature] for feature, value in zip(features, values, strict=True) if value > 0]
        for features, values in zip(order, strongest, strict=True)
    ]
