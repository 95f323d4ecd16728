"""Bootstrap intervals of metrics, and of the difference of two models on the same rows."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml_code.platform.evaluation.metrics import METRICS, Floats


@dataclass(frozen=True)
class Estimate:
    """A value with its percentile bootstrap interval; NaN where it is not defined."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True)
class Resampling:
    """How intervals are made: resamples, confidence level and seed. The same seed draws the same rows."""

    resamples: int
    confidence: float
    seed: int

    def weights(self, rows: int) -> NDArray[np.float64]:
        """One resample's counts by row, again and again, from the seed on."""
        rng = np.random.default_rng(self.seed)
        draws = (rng.integers(0, rows, rows) for _ in range(self.resamples))
        return np.stack([np.bincount(draw, minlength=rows) for draw in draws]).astype(np.float64)

    def interval(self, value: float, sampled: Sequence[float] | Floats) -> Estimate:
        """Percentile interval of the resampled values; those that are undefined are left out."""
        values = np.asarray(sampled, dtype=np.float64)
        defined = values[np.isfinite(values)]
        if not len(defined):
            return Estimate(value, float("nan"), float("nan"))
        tail = (1 - self.confidence) / 2
        low, high = np.quantile(defined, [tail, 1 - tail])
        return Estimate(value, float(low), float(high))


@dataclass(frozen=True)
class Evaluation:
    """One model on held-out rows."""

    rows: int
    positives: int
    metrics: dict[str, Estimate]

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        return asdict(self)

    def flat(self, prefix: str) -> dict[str, float]:
        """Finite numbers by name for MLflow: value, lower and upper end of each metric."""
        numbers = {f"{prefix}_rows": float(self.rows), f"{prefix}_positives": float(self.positives)}
        for name, estimate in self.metrics.items():
            numbers[f"{prefix}_{name}"] = estimate.value
            numbers[f"{prefix}_{name}_low"] = estimate.low
            numbers[f"{prefix}_{name}_high"] = estimate.high
        return {name: number for name, number in numbers.items() if np.isfinite(number)}


def evaluate(y: Floats, p: Floats, resampling: Resampling) -> Evaluation:
    """All metrics of one model with intervals."""
    weights = resampling.weights(len(y)) if len(y) else np.empty((0, 0))
    metrics = {
        name: resampling.interval(metric(y, p, None), [metric(y, p, row) for row in weights])
        if len(y)
        else Estimate(*[float("nan")] * 3)
        for name, metric in METRICS.items()
    }
    return Evaluation(len(y), int(np.sum(y)), metrics)


def difference(name: str, y: Floats, new: Floats, old: Floats, resampling: Resampling) -> Estimate:
    """new minus old in one metric, paired: every resample draws the same rows for both models."""
    metric = METRICS[name]
    sampled = [metric(y, new, row) - metric(y, old, row) for row in resampling.weights(len(y))]
    return resampling.interval(metric(y, new, None) - metric(y, old, None), sampled)
