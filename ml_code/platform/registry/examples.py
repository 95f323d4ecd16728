"""Signature and input example of a model, made from the features' declared ranges alone: no row of data is involved."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ml_code.platform.features.mappings import Mappings


def synthetic_rows(mappings: Mappings, features: Sequence[str], rows: int = 3, seed: int = 0) -> pd.DataFrame:
    """Rows drawn evenly from each feature's range; whole numbers where the ends are and the range is wide enough."""
    rng = np.random.default_rng(seed)
    columns = {}
    for name in features:
        feature = mappings.features[name]
        whole = float(feature.low).is_integer() and float(feature.high).is_integer()
        if whole:
            columns[name] = rng.integers(int(feature.low), int(feature.high), rows, endpoint=True).astype(np.float64)
        else:
            columns[name] = rng.uniform(feature.low, feature.high, rows)
    return pd.DataFrame(columns)


def signature(features: Sequence[str]) -> Any:
    """Every feature an optional double in, a probability out."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    inputs = [ColSpec("double", name, required=False) for name in features]
    return ModelSignature(inputs=Schema(inputs), outputs=Schema([ColSpec("double")]))
