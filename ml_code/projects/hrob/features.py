"""Step hrob.features: the feature table (all groups, unimputed, reusable by other projects) and the labels."""

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ml_code.platform import tables
from ml_code.platform.features.mappings import Mappings
from ml_code.platform.features.table import (
    DEFINITION,
    DerivedTable,
    Written,
    declare_primary_key,
    feature_columns,
    feature_rows,
    write_derived,
)
from ml_code.platform.tables import Column
from ml_code.projects.hrob import schema
from ml_code.projects.hrob.configuration import read_project

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from ml_code.context import Context


@dataclass(frozen=True)
class Features:
    """What was written."""

    features: Written
    labels: Written
    primary_key_declared: bool


def run(context: "Context", **_: Any) -> Features:
    """Compute what is new or changed up to the day; a second run writes nothing."""
    project = read_project(context.root, context.environment)
    births = births_through(context, context.date)
    features = feature_table(context.table("features"), project.mappings)
    labels = label_table(context.table("labels"))
    weight = project.parameters.outcome.low_birth_weight_grams

    wrote = write_derived(context.spark, features, feature_rows(births, project.mappings), context.date)
    context.say(f"features: {wrote.mode}, {wrote.rows} rows in {wrote.table}")
    known = write_derived(context.spark, labels, label_rows(births, weight, context.date), context.date)
    context.say(f"labels: {known.mode}, {known.rows} rows in {known.table}")
    declared = declare_primary_key(context.workspace, features.name, features.key)
    if not declared:
        context.say(f"this workspace cannot declare the primary key of {features.name}")
    return Features(wrote, known, declared)


def births_through(context: "Context", day: datetime.date) -> "DataFrame":
    """Births recorded up to and including the day; empty before the first ingest."""
    from pyspark.sql import functions as F  # noqa: N812  # Spark's own convention

    tables.create_table(context.spark, context.table("births"), schema.BIRTHS, schema.BIRTHS_COMMENT)
    births = context.spark.table(context.table("births"))
    return births.where(F.col(schema.DAY) <= F.lit(day).cast("date"))


def feature_table(name: str, mappings: Mappings) -> DerivedTable:
    """The project's feature table."""
    return DerivedTable(name, mappings.description, feature_columns(mappings), mappings.primary_key, mappings.day)


def label_table(name: str) -> DerivedTable:
    """The table of outcomes."""
    definition = Column(DEFINITION, "string", "the limit that the label was computed by", required=True)
    columns = (*schema.LABELS, definition)
    return DerivedTable(name, schema.LABELS_COMMENT, columns, schema.KEY, schema.DAY)


def label_rows(births: "DataFrame", grams: int, day: datetime.date) -> "DataFrame":
    """The outcome of the births whose outcome is known by the day."""
    from pyspark.sql import functions as F  # noqa: N812  # Spark's own convention

    known = births.where((F.col(schema.OUTCOME_DAY) <= F.lit(day).cast("date")) & F.col("bwght").isNotNull())
    return known.select(
        schema.KEY,
        schema.DAY,
        schema.OUTCOME_DAY,
        (F.col("bwght") < grams).cast("int").alias(schema.LABEL),
        "source_file",
        F.lit(f"bwght<{grams}").alias(DEFINITION),
    )
