"""Why a member's risk is what it is: the features that raise it most, in words."""

from collections.abc import Sequence

import numpy as np

from ml_code.platform.explain.contributions import Floats


def top_reasons(values: Floats, words: Sequence[str], count: int) -> list[list[str]]:
    """For each row of contributions the words of up to `count` features with the largest positive ones.

    Features that lower the risk are not named, so a row can have fewer reasons than `count`, or none.
    """
    if not len(values) or not count:
        return [[] for _ in range(len(values))]
    order = np.argsort(-values, axis=1, kind="stable")[:, :count]
    strongest = np.take_along_axis(values, order, axis=1)
    return [
        [words[feature] for feature, value in zip(features, largest, strict=True) if value > 0]
        for features, largest in zip(order, strongest, strict=True)
    ]
