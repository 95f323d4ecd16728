"""Rows of `inference_log_model_metrics` for the groups of a window: labels, quality, fairness."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ml_code.platform.evaluation.intervals import Estimate, Resampling
from ml_code.platform.evaluation.metrics import Floats
from ml_code.platform.fairness.assessment import Least
from ml_code.platform.monitoring.fairness_gaps import demographic_parity_difference, equal_opportunity_difference
from ml_code.platform.monitoring.metric_tables import TABLE
from ml_code.platform.monitoring.model_quality import Numbers
from ml_code.platform.monitoring.monitored_log import MonitoredLog, Rows
from ml_code.platform.monitoring.performance import Estimates, Problem, binary, multiclass, regression
from ml_code.platform.monitoring.slices import WHOLE, Slice
from ml_code.platform.monitoring.windows import Granularity, Window

Row = dict[str, Any]
Measures = dict[tuple[str, str], "Measured"]
"""By metric and column."""


@dataclass(frozen=True)
class Quality:
    """What quality is measured by. `decision` is the probability from which on an outcome is predicted."""

    problem: Problem
    resampling: Resampling
    decision: float = 0.5
    sensitive: tuple[str, ...] = ()
    least: Least = field(default_factory=lambda: Least(50))


@dataclass(frozen=True)
class Measured:
    """A metric and the rows behind it."""

    estimate: Estimate
    rows: int


@dataclass(frozen=True)
class Measurable:
    """Rows of a log or baseline, with what is measured of each group of them."""

    rows: Rows
    quality: Quality

    def labels(self, numbers: Numbers) -> Measures:
        """Share of labelled rows, and corrections."""
        found = {"label_share": float(self._labelled[numbers].mean())}
        if self.rows.log.label_changes:
            found["label_changes"] = float(np.nansum(self._floats(self.rows.log.label_changes)[numbers]))
        return {(name, TABLE): exactly(value, len(numbers)) for name, value in found.items()}

    def performance(self, numbers: Numbers, *, intervals: bool = True) -> Measures:
        """Quality of the labelled rows; none where no row is."""
        at = numbers[self._complete[numbers]]
        resampling = self.quality.resampling if intervals else None
        return {(name, TABLE): Measured(estimate, len(at)) for name, estimate in self._quality(at, resampling).items()}

    def fairness(self, numbers: Numbers) -> Measures:
        """Differences between the groups of each sensitive column, of a binary model."""
        if self.quality.problem != "binary":
            return {}
        scored = numbers[np.isfinite(self._predicted[numbers])]
        labelled = numbers[self._complete[numbers]]
        found: Measures = {}
        for column in self.quality.sensitive:
            groups = self._groups[column]
            parity = demographic_parity_difference(groups[scored], self._decided[scored], self.quality.least)
            found["demographic_parity_difference", column] = exactly(parity, len(scored))
            if len(labelled):
                recalled = equal_opportunity_difference(
                    groups[labelled], self._decided[labelled], self._actual[labelled], self.quality.least
                )
                found["equal_opportunity_difference", column] = exactly(recalled, len(labelled))
        return found

    def _quality(self, at: Numbers, resampling: Resampling | None) -> Estimates:
        if self.quality.problem == "binary":
            return binary(self._actual[at], self._predicted[at], resampling)
        if self.quality.problem == "regression":
            return regression(self._actual[at], self._predicted[at], resampling)
        maps = [dict(row or {}) for row in self._probabilities.take(pa.array(at)).to_pylist()]
        classes = sorted({name for row in maps for name in row})
        by_class = {name: np.array([row.get(name, 0.0) for row in maps], np.float64) for name in classes}
        return multiclass(self._texts(self._label)[at].tolist(), by_class)

    @cached_property
    def _labelled(self) -> NDArray[np.bool_]:
        return np.asarray(self.rows.table.column(self._label).is_valid())

    @cached_property
    def _complete(self) -> NDArray[np.bool_]:
        """Rows with a label and a prediction."""
        if self.quality.problem == "multiclass":
            return np.asarray(pc.and_(self.rows.table.column(self._label).is_valid(), self._probabilities.is_valid()))
        return np.logical_and(np.isfinite(self._actual), np.isfinite(self._predicted))

    @cached_property
    def _actual(self) -> Floats:
        return self._floats(self._label)

    @cached_property
    def _predicted(self) -> Floats:
        log = self.rows.log
        return self._floats(log.prediction if self.quality.problem == "regression" else log.probability or "")

    @cached_property
    def _decided(self) -> NDArray[np.bool_]:
        return np.asarray(self._predicted >= self.quality.decision)

    @cached_property
    def _probabilities(self) -> pa.ChunkedArray:
        return self.rows.table.column(self.rows.log.probability)

    @cached_property
    def _groups(self) -> dict[str, NDArray[Any]]:
        """The group of each row, by sensitive column; None where it is not known."""
        return {name: self._texts(name) for name in self.quality.sensitive}

    @property
    def _label(self) -> str:
        return self.rows.log.label or ""

    def _floats(self, name: str) -> Floats:
        return np.asarray(self.rows.table.column(name).cast(pa.float64()).to_numpy(), dtype=np.float64)

    def _texts(self, name: str) -> NDArray[Any]:
        return np.asarray(self.rows.table.column(name).cast(pa.string()).to_pylist(), dtype=object)


def needed_columns(log: MonitoredLog, quality: Quality) -> Sequence[str]:
    """The columns of the log that are read."""
    return tuple(dict.fromkeys((*log.for_quality, *quality.sensitive)))


def place_of(granularity: Granularity, window: Window, model: str, slice_: Slice = WHOLE) -> Row:
    """The columns that say what a row is about."""
    return {
        "window": window.row(),
        "granularity": granularity.name,
        "model_version": model,
        "slice_key": slice_.key,
        "slice_value": slice_.value,
    }


def exactly(value: float, rows: int) -> Measured:
    """A measure without an interval."""
    return Measured(Estimate(value, float("nan"), float("nan")), rows)


def rows_of(place: Mapping[str, Any], measures: Measures, baseline: Measures) -> Iterator[Row]:
    """As rows of the table; what is not a number is null."""
    for (metric, column), measured in measures.items():
        estimate, before = measured.estimate, baseline.get((metric, column))
        yield {
            **place,
            "metric": metric,
            "column_name": column,
            "value": _finite(estimate.value),
            "low": _finite(estimate.low),
            "high": _finite(estimate.high),
            "baseline": _finite(before.estimate.value) if before else None,
            "count": measured.rows,
        }


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
