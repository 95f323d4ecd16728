"""The training set with what is known of its data: read the same way by the gate and by the training."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from ml_code.platform import tables
from ml_code.platform.errors import StepError
from ml_code.projects.hrob.configuration import Project
from ml_code.projects.hrob.rows import labelled
from ml_code.projects.hrob.schema import KEY, LABEL

if TYPE_CHECKING:
    from ml_code.context import Context


@dataclass(frozen=True)
class TrainingRows:
    """Rows with key, day, the project's features, label and source, and the Delta versions that they were read from."""

    rows: pa.Table
    versions: dict[str, int]
    features: tuple[str, ...]

    @property
    def seen(self) -> pa.Table:
        """What a model may see of them, and the key."""
        return self.rows.select([KEY, *self.features, LABEL])


def read_training_rows(context: "Context", project: Project) -> TrainingRows:
    """All labelled rows up to the context's day. Features that their table does not have are left out.

    Raises StepError when there are no rows.
    """
    names = [context.table("features"), context.table("labels")]
    for name in names:
        if not tables.exists(context.spark, name):
            raise StepError(f"there is no table {name}: run hrob.ingest and hrob.features first")
    there = context.spark.table(names[0]).columns
    features = tuple(name for name in project.selection.features if name in there)
    found = labelled(context, context.date, features, project.parameters.split.window_days)
    rows = tables.to_arrow(found)
    if not rows.num_rows:
        raise StepError(
            f"no labelled births up to {context.date}: run hrob.land, hrob.ingest and hrob.features for it first"
        )
    return TrainingRows(rows, {name: tables.version(context.spark, name) for name in names}, features)
