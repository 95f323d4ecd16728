"""Rows to learn from and to be measured on: features joined with the outcomes that are known by a day."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from ml_code.platform import tables
from ml_code.platform.errors import StepError
from ml_code.platform.splits import HashSplit
from ml_code.projects.hrob.configuration import Split
from ml_code.projects.hrob.land import GENERATED_PREFIX
from ml_code.projects.hrob.schema import DAY, KEY, LABEL, OUTCOME_DAY

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from ml_code.context import Context

NO_ATTRIBUTES: Mapping[str, str] = {}

# Fewer outcomes than these on a side say nothing about a model.
LEAST_OUTCOMES = {"train": 10, "validation": 3, "test": 3}


@dataclass(frozen=True)
class Sides:
    """The rows by side of the split; the test side stays with the validate step."""

    train: pd.DataFrame
    validation: pd.DataFrame
    held_out: int
    everything: pd.DataFrame


def labelled(
    context: "Context",
    day: datetime.date,
    columns: tuple[str, ...],
    window_days: int,
    attributes: Mapping[str, str] = NO_ATTRIBUTES,
) -> "DataFrame":
    """Key, day, the named features and the label of the births whose outcome is known by the day.

    `attributes` are further columns by name: Spark SQL over the feature table. Births of more than `window_days` before
    the day are left out: what features meant then may not hold any more.
    """
    from pyspark.sql import functions as F  # noqa: N812  # Spark's own convention

    spark = context.spark
    for name in ("features", "labels"):
        if not tables.exists(spark, context.table(name)):
            raise StepError(f"there is no table {context.table(name)}: run hrob.ingest and hrob.features first")
    first = F.lit(day - datetime.timedelta(days=window_days)).cast("date")
    features = spark.table(context.table("features")).where(F.col(DAY) > first)
    derived = [F.expr(expression).alias(name) for name, expression in attributes.items()]
    features = features.select(KEY, DAY, *columns, "source_file", *derived)
    known = F.col(OUTCOME_DAY) <= F.lit(day).cast("date")
    labels = spark.table(context.table("labels")).where(known).select(KEY, LABEL)
    return features.join(labels, KEY)


def hash_split(split: Split) -> HashSplit:
    """The split of configs.yml."""
    return HashSplit(split.salt, split.train, split.validation)


def split_rows(rows: pd.DataFrame, split: HashSplit) -> Sides:
    """Sort by key and divide. Raises StepError when a side has too few outcomes to say anything."""
    ordered = rows.sort_values(KEY, ignore_index=True)
    sides = pd.Series(split.sides(ordered[KEY]), index=ordered.index)
    for side, least in LEAST_OUTCOMES.items():
        outcomes = int(ordered.loc[sides == side, LABEL].sum())
        if outcomes < least:
            raise StepError(
                f"only {outcomes} outcomes among {int((sides == side).sum())} {side} rows, at least {least} are "
                "needed: land and ingest more days, then run hrob.features"
            )
    return Sides(
        train=ordered[sides == "train"],
        validation=ordered[sides == "validation"],
        held_out=int((sides == "test").sum()),
        everything=ordered,
    )


def source_of(rows: pd.DataFrame) -> str:
    """Where the rows come from: `sample`, `generator` (made up), or both."""
    generated = rows["source_file"].str.startswith(GENERATED_PREFIX)
    names = [name for name, there in (("sample", (~generated).any()), ("generator", generated.any())) if there]
    return "+".join(names)
