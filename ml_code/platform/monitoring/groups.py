"""Groups of rows that metric rows are about: the rows of a window (or baseline) by model and slice.

What a group's rows tell is computed when it is asked for, once: where one model made all predictions of a window, the
group of that model is the group of all models.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ml_code.platform.data_checks.columns import Prepared, prepare
from ml_code.platform.monitoring.column_profile import column_profile
from ml_code.platform.monitoring.metric_tables import ALL_MODELS
from ml_code.platform.monitoring.model_quality import Numbers, Outcomes, fairness, quality
from ml_code.platform.monitoring.monitored_log import Rows
from ml_code.platform.monitoring.slices import Slice


@dataclass(frozen=True)
class Profiled:
    """A column within a group: prepared to be compared, and its columns of the profile table."""

    prepared: Prepared
    profile: dict[str, Any]


@dataclass(eq=False)
class Group:
    """Some rows; `others` are those of the same window and model that a condition does not hold for."""

    rows: Rows
    numbers: Numbers
    others: "Group | None" = None
    _columns: dict[str, Profiled] = field(default_factory=dict)

    def column(self, name: str) -> Profiled:
        """One column of these rows."""
        if name not in self._columns:
            prepared = prepare(name, self.rows.table.column(name).take(self._indices))
            self._columns[name] = Profiled(prepared, column_profile(prepared, self.rows.types[name]))
        return self._columns[name]

    def has_values(self, name: str) -> bool:
        """Whether any of these rows has a value in the column."""
        return self.column(name).prepared.nulls < len(self.numbers)

    @cached_property
    def non_null(self) -> list[str]:
        """The columns read that have a value in these rows."""
        return [name for name in self.rows.types if self.has_values(name)]

    @cached_property
    def quality(self) -> dict[str, Any]:
        """Quality of the model on these rows, and its fairness where they are the rows of a condition."""
        if self._outcomes is None:
            return {}
        found = quality(self._outcomes, self.rows.log.problem)
        if self.others and self.others._outcomes and self.rows.log.problem == "classification":
            found |= fairness(self._outcomes, self.others._outcomes)
        return found

    @cached_property
    def _indices(self) -> pa.Array:
        return pa.array(self.numbers)

    @cached_property
    def _outcomes(self) -> Outcomes | None:
        return self.rows.outcomes.of(self.numbers) if self.rows.outcomes else None


Key = tuple[str | None, Slice]
"""Model identifier (`*`: all; None: a baseline, which is not by model) and slice."""


def groups_of_window(rows: Rows, numbers: Numbers) -> dict[Key, Group]:
    """All models and each model, the whole window and each slice; none of a window without rows."""
    if not len(numbers):
        return {}
    models = pc.unique(rows.models.take(pa.array(numbers)))
    found: dict[Key, Group] = {(ALL_MODELS, slice_): group for slice_, group in _sliced(rows, numbers).items()}
    for model in sorted(model for model in models.to_pylist() if model is not None):
        if len(models) == 1:
            found |= {(model, slice_): group for (_, slice_), group in found.items()}
        else:
            of_model = np.asarray(pc.fill_null(pc.equal(rows.models, model), False))[numbers]
            found |= {(model, slice_): group for slice_, group in _sliced(rows, numbers[of_model]).items()}
    return found


def groups_of_baseline(rows: Rows) -> dict[Slice, Group]:
    """The whole baseline and each slice."""
    return _sliced(rows, np.arange(rows.table.num_rows, dtype=np.int64))


def _sliced(rows: Rows, numbers: Numbers) -> dict[Slice, Group]:
    found = {slice_: Group(rows, part) for slice_, part in rows.slicing.split(rows.table, numbers)}
    for slice_, group in found.items():
        if slice_.key in rows.slicing.conditions and slice_.value == "true":
            group.others = found.get(Slice(slice_.key, "false"))
    return found
