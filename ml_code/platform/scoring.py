"""Scoring at scale: Arrow batches in, Arrow batches out, on Spark's workers, without a detour through pandas."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import lightgbm
import numpy as np
import pyarrow as pa

from ml_code.platform.explain.contributions import Floats, contributions
from ml_code.platform.explain.reasons import top_reasons
from ml_code.platform.features.preparation import Preparation

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

SCORES = "risk double, band string, reasons array<string>"
EXPLAINED = "expected double, contributions map<string,double>"


@dataclass(frozen=True)
class Banding:
    """Risk bands from the highest down (name, lowest risk), and for which of them reasons are worked out."""

    names: tuple[str, ...]
    starts: tuple[float, ...]
    reasons: int
    reasons_for: frozenset[str]

    def bands(
        self, risk: "np.ndarray[tuple[int], np.dtype[np.float64]]"
    ) -> "np.ndarray[tuple[int], np.dtype[np.intp]]":
        """Index into `names` for each risk: the first band whose start it reaches."""
        # searchsorted wants rising limits, the bands fall.
        rising = np.asarray(self.starts[::-1])
        return len(self.starts) - np.searchsorted(rising, risk, side="right")


@dataclass(frozen=True)
class Scorer:
    """Everything that a worker needs; it travels by value."""

    booster_text: str
    preparation: Preparation
    words: Sequence[str]
    banding: Banding
    explain: Sequence[str] = ()
    """The features whose contributions are given beside the scores; none: no row's are."""

    def batch(self, rows: pa.RecordBatch) -> tuple[pa.Array, ...]:
        """Risk, band and reasons of a batch's rows; with `explain` also their expected value and contributions."""
        booster = booster_of(self.booster_text)
        matrix = self.preparation.matrix(rows)
        risk = np.asarray(booster.predict(matrix), dtype=np.float64)
        band = self.banding.bands(risk)
        reasons: list[list[str]] = [[] for _ in range(len(risk))]
        wanted = self._with_reasons(band)
        # Contributions cost far more than the score: they are worked out once, for reasons and explanations alike.
        explained = np.arange(len(risk)) if self.explain else wanted
        if len(explained):
            expected, values = contributions(booster, matrix if self.explain else matrix[explained])
            found = top_reasons(values[np.isin(explained, wanted)], self.words, self.banding.reasons)
            for row, words in zip(wanted, found, strict=True):
                reasons[row] = words
        names = pa.array(self.banding.names).take(pa.array(band))
        scores = (pa.array(risk), names, pa.array(reasons, pa.list_(pa.string())))
        if not self.explain:
            return scores
        return (*scores, pa.array(np.full(len(risk), expected)), self._maps(values))

    def batches(self, kept: Sequence[str]) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
        """A function for mapInArrow: the kept columns, then the scores."""
        names = [*kept, "risk", "band", "reasons", *(("expected", "contributions") if self.explain else ())]

        def score(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for rows in batches:
                if rows.num_rows:
                    columns = [rows.column(name) for name in kept] + list(self.batch(rows))
                    yield pa.RecordBatch.from_arrays(columns, names=names)

        return score

    def _with_reasons(
        self, band: "np.ndarray[tuple[int], np.dtype[np.intp]]"
    ) -> "np.ndarray[tuple[int], np.dtype[np.intp]]":
        wanted = [index for index, name in enumerate(self.banding.names) if name in self.banding.reasons_for]
        return np.flatnonzero(np.isin(band, wanted)) if self.banding.reasons else np.empty(0, dtype=np.intp)

    def _maps(self, values: Floats) -> pa.Array:
        """Each row's contributions of the features to be told, by name."""
        told = [index for index, name in enumerate(self.preparation.features) if name in set(self.explain)]
        names = pa.array([self.preparation.features[index] for index in told], pa.string())
        rows = len(values)
        keys = names.take(pa.array(np.tile(np.arange(len(told)), rows)))
        offsets = pa.array(np.arange(rows + 1, dtype=np.int32) * len(told), pa.int32())
        return pa.MapArray.from_arrays(offsets, keys, pa.array(values[:, told].ravel()))


def score_frame(frame: "DataFrame", scorer: Scorer, kept: Sequence[str]) -> "DataFrame":
    """Each row's kept columns with what the scorer gives for it; computed where the rows are."""
    types = {field.name: field.dataType.simpleString() for field in frame.schema.fields}
    kept_types = ", ".join(f"`{name}` {types[name]}" for name in kept)
    scores = f"{SCORES}, {EXPLAINED}" if scorer.explain else SCORES
    needed = frame.select(*dict.fromkeys([*kept, *scorer.preparation.features]))
    return needed.mapInArrow(scorer.batches(kept), f"{kept_types}, {scores}")


@lru_cache(maxsize=4)
def booster_of(text: str) -> lightgbm.Booster:
    """The booster of a model text, parsed once a process."""
    return lightgbm.Booster(model_str=text)
