"""Online predictions: the inference table of a serving endpoint, read into the inference log.

The table is the one that Databricks writes for endpoints with AI Gateway-enabled inference tables: request_date,
databricks_request_id, client_request_id, request_time, status_code, sampling_fraction, execution_duration_ms, request,
response, served_entity_id, logging_error_codes, requester. Rows arrive up to an hour late and not in order, so each
read begins a day before the last online prediction of the log; what is there already is not written again.

The version that answered is found by `served_entity_id` in `system.serving.served_entities`. Where that table cannot be
read or does not know it, the log has the id itself as the version.
"""

import datetime
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from ml_code.platform import tables
from ml_code.platform.errors import StepError
from ml_code.platform.features.table import MERGE_LIMIT
from ml_code.platform.monitoring.inference_log import ONLINE, Layout
from ml_code.platform.monitoring.requests import BadRequest, predictions
from ml_code.platform.parts import filled

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

SERVED_ENTITIES = "system.serving.served_entities"
_NEEDED = (
    "databricks_request_id", "client_request_id", "request_date", "request_time", "status_code", "request", "response",
    "served_entity_id",
)  # fmt: skip
_OVERLAP = datetime.timedelta(days=1)


@dataclass(frozen=True)
class OnlineSource:
    """An inference table; days before `since` are past retention, days after `through` not looked at."""

    table: str
    served_entities: str
    since: datetime.date
    through: datetime.date


@dataclass(frozen=True)
class Online:
    """Predictions written, requests left out with the reason and how many, and entities of an unknown version."""

    written: int
    left_out: dict[str, int]
    unknown_entities: tuple[str, ...]


def log_online(
    spark: "SparkSession", log: str, source: OnlineSource, features: "DataFrame", band: "Column", layout: Layout
) -> Online:
    """Append the online predictions that the log lacks.

    `features` is the feature table as `Layout.of_features` gives it: attributes come from there, by identifier, because
    a request has only what the model needs. `band` is the band as an expression of `risk`.
    """
    from pyspark.sql import functions as F  # noqa: N812  # Spark's own convention

    asked = _new_requests(spark, log, source)
    answered = asked.where(F.col("status_code") == 200)
    parsed = answered.mapInArrow(_parser(layout.key, layout.features), _parsed_columns(layout))
    left_out = _left_out(asked, parsed)
    entities = _entities(spark, source, answered)
    rows = _log_rows(parsed.where("problem is null"), features, entities, band, layout)
    there = spark.table(log).where(F.col("source") == ONLINE).select("request_id")
    new = rows.join(there, "request_id", "left_anti")
    count = int(new.count())
    if count > MERGE_LIMIT:
        tables.append(spark, log, filled(spark, log, new))
    elif count:
        tables.merge(spark, log, new, ["request_id"], update=False)
    unknown = entities.where("version is null").select("served_entity_id").collect()
    return Online(count, left_out, tuple(sorted(str(row[0]) for row in unknown)))


def _new_requests(spark: "SparkSession", log: str, source: OnlineSource) -> "DataFrame":
    from pyspark.sql import functions as F  # noqa: N812  # Spark's own convention

    if not tables.exists(spark, source.table):
        raise StepError(f"--payload_table: there is no table {source.table}, or it may not be read")
    table = spark.table(source.table)
    if missing := [name for name in _NEEDED if name not in table.columns]:
        raise StepError(
            f"--payload_table: {source.table} lacks {', '.join(missing)}: expected the inference table of an endpoint "
            "with AI Gateway-enabled inference tables (the older kind has timestamp_ms and is not supported)"
        )
    last = spark.table(log).where(F.col("source") == ONLINE).agg(F.max("timestamp")).collect()[0][0]
    since = max(source.since, last.date() - _OVERLAP) if last else source.since
    days = [F.lit(day).cast("date") for day in (since, source.through)]
    return table.where(F.col("request_date").between(*days)).select(*_NEEDED)


def _parsed_columns(layout: Layout) -> str:
    features = "".join(f", `{name}` double" for name in layout.features)
    return (
        f"request_id string, timestamp timestamp, served_entity_id string, `{layout.key}` string{features}, "
        "risk double, problem string"
    )


def _parser(key: str, features: tuple[str, ...]) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """A function for mapInArrow: one row a prediction, or one with the problem for a request that cannot be read."""
    names = ["request_id", "timestamp", "served_entity_id", key, *features, "risk", "problem"]
    types = [pa.string(), pa.timestamp("us", "UTC"), pa.string(), pa.string()]
    types += [pa.float64()] * (len(features) + 1) + [pa.string()]
    empty = (None,) * (len(features) + 2)

    def parse(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            rows: list[tuple[object, ...]] = []
            for asked in batch.to_pylist():
                head = (asked["databricks_request_id"], asked["request_time"], asked["served_entity_id"])
                try:
                    found = predictions(asked["request"], asked["response"], key, asked["client_request_id"], features)
                except BadRequest as problem:
                    rows.append((*head, *empty, str(problem)))
                    continue
                rows += [
                    (f"{head[0]}:{number}", *head[1:], row.key, *row.features, row.risk, None)
                    for number, row in enumerate(found)
                ]
            columns = zip(*rows, strict=True) if rows else [()] * len(names)
            arrays = [pa.array(list(values), kind) for values, kind in zip(columns, types, strict=True)]
            yield pa.RecordBatch.from_arrays(arrays, names=names)

    return parse


def _left_out(asked: "DataFrame", parsed: "DataFrame") -> dict[str, int]:
    from pyspark.sql import functions as F  # noqa: N812  # Spark's own convention

    failed = asked.where((F.col("status_code") != 200) | F.col("status_code").isNull())
    status = failed.select(
        F.concat(F.lit("status "), F.coalesce(F.col("status_code").cast("string"), F.lit("unknown")))
    )
    problems = parsed.where("problem is not null").select("problem")
    counts = status.toDF("reason").union(problems.toDF("reason")).groupBy("reason").count().collect()
    return {str(row["reason"]): int(row["count"]) for row in sorted(counts, key=lambda row: str(row["reason"]))}


def _entities(spark: "SparkSession", source: OnlineSource, answered: "DataFrame") -> "DataFrame":
    """served_entity_id, model and version of each entity that answered; nulls where it is not known."""
    from pyspark.sql import functions as F  # noqa: N812  # Spark's own convention

    used = answered.select("served_entity_id").where("served_entity_id is not null").distinct()
    if not tables.exists(spark, source.served_entities):
        return used.select(
            "served_entity_id", *(F.lit(None).cast("string").alias(name) for name in ("name", "version"))
        )
    known = (
        spark.table(source.served_entities)
        .groupBy("served_entity_id")
        .agg(
            F.max_by("entity_name", "change_time").alias("name"),
            F.max_by("entity_version", "change_time").cast("string").alias("version"),
        )
    )
    return used.join(known, "served_entity_id", "left")


def _log_rows(
    parsed: "DataFrame", features: "DataFrame", entities: "DataFrame", band: "Column", layout: Layout
) -> "DataFrame":
    from pyspark.sql import functions as F  # noqa: N812  # Spark's own convention

    attributes = features.select(layout.key, *layout.attributes)
    described = layout.protect(parsed.join(attributes, layout.key, "left").join(entities, "served_entity_id", "left"))
    unknown = F.coalesce("served_entity_id", F.lit("unknown"))
    return described.select(
        "request_id",
        "timestamp",
        F.lit(ONLINE).alias("source"),
        F.coalesce("name", unknown).alias("model"),
        F.coalesce("version", unknown).alias("model_version"),
        layout.key,
        *layout.attributes,
        *layout.features,
        "risk",
        (F.col("risk") >= F.lit(layout.decision)).cast("int").alias("prediction"),
        band.alias("band"),
    )
