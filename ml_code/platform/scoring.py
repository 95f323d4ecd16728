"""Scoring at scale: Arrow batches in, Arrow batches out, on Spark's workers, without a detour through pandas."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import lightgbm
import numpy as np
import pyarrow as pa

from ml_code.platform.explain.contributions import contributions
from ml_code.platform.explain.reasons import top_reasons
from ml_code.platform.features.preparation import Preparation

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

SCORES = "risk double, band string, reasons array<string>"


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

    def batch(self, rows: pa.RecordBatch) -> tuple[pa.Array, pa.Array, pa.Array]:
        """Risk, band and reasons of a batch's rows."""
        booster = booster_of(self.booster_text)
        matrix = self.preparation.matrix(rows)
        risk = np.asarray(booster.predict(matrix), dtype=np.float64)
        band = self.banding.bands(risk)
        reasons: list[list[str]] = [[] for _ in range(len(risk))]
        wanted = [index for index, name in enumerate(self.banding.names) if name in self.banding.reasons_for]
        explained = np.flatnonzero(np.isin(band, wanted))
        if self.banding.reasons and len(explained):
            _, values = contributions(booster, matrix[explained])
            found = top_reasons(values, self.words, self.banding.reasons)
            for row, words in zip(explained, found, strict=True):
                reasons[row] = words
        names = pa.array(self.banding.names).take(pa.array(band))
        return pa.array(risk), names, pa.array(reasons, pa.list_(pa.string()))

    def batches(self, kept: Sequence[str]) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
        """A function for mapInArrow: the kept columns, then the scores."""

        def score(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for rows in batches:
                if rows.num_rows:
                    columns = [rows.column(name) for name in kept] + list(self.batch(rows))
                    yield pa.RecordBatch.from_arrays(columns, names=[*kept, "risk", "band", "reasons"])

        return score


def score_frame(frame: "DataFrame", scorer: Scorer, kept: Sequence[str]) -> "DataFrame":
    """Each row's kept columns with risk, band and reasons; computed where the rows are."""
    types = {field.name: field.dataType.simpleString() for field in frame.schema.fields}
    kept_types = ", ".join(f"`{name}` {types[name]}" for name in kept)
    needed = frame.select(*dict.fromkeys([*kept, *scorer.preparation.features]))
    return needed.mapInArrow(scorer.batches(kept), f"{kept_types}, {SCORES}")


@lru_cache(maxsize=4)
def booster_of(text: str) -> lightgbm.Booster:
    """The booster of a model text, parsed once a process."""
    return lightgbm.Booster(model_str=text)
