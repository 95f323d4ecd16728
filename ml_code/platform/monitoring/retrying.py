"""Writing metric rows when another run writes the same ones at the same time."""

import random
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ml_code.platform.errors import StepError
from ml_code.platform.monitoring import commits
from ml_code.platform.tables import Column

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ATTEMPTS = 8


def replace(
    spark: "SparkSession", name: str, columns: Sequence[Column], rows: Sequence[Mapping[str, Any]], condition: str
) -> None:
    """commits.replace, again until these rows stand alone. Raises StepError when other runs never let them."""
    for attempt in range(ATTEMPTS):
        try:
            commits.replace(spark, name, columns, rows, condition)
            return
        except commits.ConflictError:
            time.sleep(random.uniform(0, 0.2 * 2**attempt))  # noqa: S311  # to keep two runs apart, no secret
    raise StepError(
        f"other runs wrote {name} at the same time in each of {ATTEMPTS} attempts: let one run at a time and start "
        "this one again"
    )
