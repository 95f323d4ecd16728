"""From rows of the feature table to the matrix that a model takes; fitted on training rows, kept with the model."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from ml_code.platform.features.selection import Imputation, Selection

Matrix = NDArray[Any]

# Rows that are transposed at a time: few enough for a column's cache lines to stay until its neighbours are written.
_BLOCK = 1024


@dataclass(frozen=True)
class Preparation:
    """Names of the features in order, and the value that stands in for a missing one (absent: stays missing)."""

    features: tuple[str, ...]
    fill: Mapping[str, float]

    def matrix(self, rows: "pd.DataFrame | pa.Table | pa.RecordBatch") -> Matrix:
        """Rows x features, missing values as NaN; single precision when every feature is, else double.

        Row-major: LightGBM takes it row by row, and in a column-major one each value of a row is another cache line.
        """
        columns = [_numbers(rows, name) for name in self.features]
        single = bool(columns) and all(column.dtype == np.float32 for column in columns)
        columns = [_filled(column, self.fill.get(name)) for name, column in zip(self.features, columns, strict=True)]
        out = np.empty((len(rows), len(columns)), dtype=np.float32 if single else np.float64)
        for start in range(0, len(out), _BLOCK):
            block = out[start : start + _BLOCK]
            for position, column in enumerate(columns):
                block[:, position] = column[start : start + _BLOCK]
        return out

    def as_dict(self) -> dict[str, Any]:
        """JSON form, read back by `from_dict`."""
        return {"features": list(self.features), "fill": dict(self.fill)}

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> "Preparation":
        """From the JSON form."""
        return cls(tuple(raw["features"]), {name: float(value) for name, value in raw["fill"].items()})


def fit_preparation(selection: Selection, training: pd.DataFrame) -> Preparation:
    """Learn the fill values from training rows only, so that nothing of held-out rows enters the model."""
    fill = {}
    for name in selection.features:
        value = _fill_value(selection.imputation[name], _numbers(training, name))
        if value is not None:
            fill[name] = value
    return Preparation(selection.features, fill)


def _fill_value(imputation: Imputation, values: Matrix) -> float | None:
    present = values[~np.isnan(values)]
    if imputation.method == "none":
        return None
    if imputation.method == "constant":
        return imputation.value
    if not len(present):
        return 0.0
    if imputation.method == "median":
        return float(np.median(present))
    if imputation.method == "mean":
        return float(present.mean())
    unique, counts = np.unique(present, return_counts=True)
    return float(unique[np.argmax(counts)])


def _filled(values: Matrix, fill: float | None) -> Matrix:
    if fill is None or not (missing := np.isnan(values)).any():
        return values
    # In double precision: the matrix may be so even where the column is not.
    return np.where(missing, np.float64(fill), values)


def _numbers(rows: "pd.DataFrame | pa.Table | pa.RecordBatch", name: str) -> Matrix:
    if isinstance(rows, pd.DataFrame):
        column = rows[name]
        return column.to_numpy(dtype=np.float32 if column.dtype == np.float32 else np.float64, na_value=np.nan)
    column = rows.column(name)
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    # to_numpy turns nulls into NaN for floats and for integers alike; without nulls it copies nothing.
    values: Matrix = column.to_numpy(zero_copy_only=False)
    return values if values.dtype == np.float32 else np.asarray(values, dtype=np.float64)
