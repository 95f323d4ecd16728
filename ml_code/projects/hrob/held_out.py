"""The rows that no training has seen, with the outcome and the attributes that models are looked at by."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ml_code.platform.errors import StepError
from ml_code.platform.evaluation.metrics import Floats
from ml_code.platform.registry.versions import LoadedModel
from ml_code.platform.scoring import booster_of
from ml_code.projects.hrob.configuration import Project
from ml_code.projects.hrob.rows import hash_split, labelled
from ml_code.projects.hrob.schema import KEY

if TYPE_CHECKING:
    from ml_code.context import Context


def read_held_out(context: "Context", project: Project, features: tuple[str, ...]) -> pd.DataFrame:
    """Key, day, features, attributes and label of the held-out births with a known outcome, in the order of their key.

    Raises StepError when there are none.
    """
    split = project.parameters.split
    attributes = project.parameters.monitoring.attributes
    rows = labelled(context, context.date, features, split.window_days, attributes)
    held_out: pd.DataFrame = rows.where(hash_split(split).held_out(KEY)).toPandas().sort_values(KEY, ignore_index=True)
    if held_out.empty:
        raise StepError(f"no held-out rows with a known outcome up to {context.date}: ingest more days first")
    return held_out


def predict(model: LoadedModel, rows: pd.DataFrame) -> Floats:
    """The model's probability for each row."""
    return np.asarray(booster_of(model.booster_text).predict(model.preparation.matrix(rows)), dtype=np.float64)
