"""What an import did: rows of the import summary, a line of progress, and the sentence that a failed step ends with."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa

from ml_code.platform import tables
from ml_code.platform.errors import StepError
from ml_code.platform.marketplace.export.outcome import in_bytes
from ml_code.platform.marketplace.hub.importing import FAILED, IMPORTED, REFUSED, Imported
from ml_code.platform.marketplace.schema import IMPORTS, IMPORTS_COMMENT

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_KEYS = ("run_id", "workspace", "model", "version", "manifest_sha256")
_TYPES = {
    "date": pa.date32(),
    "string": pa.string(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "timestamp": pa.timestamp("us", "UTC"),
}
_SCHEMA = pa.schema([pa.field(column.name, _TYPES[column.type]) for column in IMPORTS])
_LOOKBACK, _MARGIN = timedelta(days=60), timedelta(days=7)
_EVERY = 5.0
_SHOWN = 5


class Progress:
    """Tells of an import as its results come: what went wrong at once, the rest every few seconds."""

    def __init__(self, versions: int, say: Callable[[str], None], every: float = _EVERY) -> None:
        self._versions = versions
        self._say = say
        self._every = every
        self._started = self._said = time.monotonic()
        self._counts: Counter[str] = Counter()
        self._bytes = 0

    def result(self, result: Imported) -> None:
        """One more version is done with."""
        self._counts[result.status] += 1
        self._bytes += result.chosen.bytes if result.status == IMPORTED else 0
        if result.status in (REFUSED, FAILED):
            self._say(f"{result.chosen.label} {result.status}: {result.reason}")
        if (now := time.monotonic()) - self._said >= self._every:
            self._said = now
            done, speed = self._counts.total(), in_bytes(self._bytes / (now - self._started))
            self._say(f"{done} of {self._versions} versions; {in_bytes(self._bytes)} imported ({speed}/s)")


def sentence(results: Sequence[Imported], requests: int, seconds: float) -> str:
    """The whole import in one line."""
    counts = Counter(each.status for each in results)
    said = ", ".join(f"{counts[status]} {status}" for status in sorted(counts)) or "nothing to import"
    size = sum(each.chosen.bytes for each in results if each.status == IMPORTED)
    return f"{said}; {in_bytes(size)} in {requests} requests and {seconds:.1f} s"


def require_all(results: Sequence[Imported]) -> None:
    """Raises StepError where a version was refused or failed: the others are in the registry."""
    wrong = [each for each in results if each.status in (REFUSED, FAILED)]
    if not wrong:
        return
    shown = "; ".join(f"{each.chosen.label} {each.status}: {each.reason}" for each in wrong[:_SHOWN])
    more = f"; and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
    raise StepError(
        f"{len(wrong)} of {len(results)} versions were not imported: {shown}{more}. The import table has all of them; "
        "what failed is imported by the next run over the same days, what was refused needs a new export"
    )


@dataclass(frozen=True)
class Before:
    """What the import summary tells of the imports before a day's."""

    first: date
    """From which day on exports may still wait: that of the last import, and well before one that only failed."""
    manifests: frozenset[str]
    """SHA-256 of the manifests that were dealt with from that day on; what failed is not among them."""


def before(spark: SparkSession, table: str, day: date) -> Before:
    """Reads the import summary; the day itself where there was no import before it."""
    from pyspark.sql import functions as F  # noqa: N812  # Spark's own convention

    if not spark.catalog.tableExists(table):
        return Before(day, frozenset())
    rows = spark.table(table).select("date", "status", "manifest_sha256").where(F.col("date") >= F.lit(day - _LOOKBACK))
    past, dealt = rows.where(F.col("date") < F.lit(day)), rows.where(F.col("status") != FAILED)
    last = past.agg(F.max("date").alias("day")).collect()[0]["day"]
    if last is None:
        return Before(day, frozenset())
    waiting = past.where(F.col("status") == FAILED).join(
        dealt.select("manifest_sha256"), "manifest_sha256", "left_anti"
    )
    failed = waiting.agg(F.min("date").alias("day")).collect()[0]["day"]
    # What failed may have been exported some days before it was first tried.
    first = last if failed is None else min(last, failed - _MARGIN)
    found = dealt.where(F.col("date") >= F.lit(first)).select("manifest_sha256").distinct().collect()
    return Before(first, frozenset(row["manifest_sha256"] for row in found))


def write_rows(spark: SparkSession, table: str, results: Sequence[Imported], day: date, run_id: str) -> None:
    """One row of each version in the import summary; a repeated run replaces its own."""
    tables.create_table(spark, table, IMPORTS, IMPORTS_COMMENT)
    if results:
        rows = pa.Table.from_pylist([_row(each, day, run_id) for each in results], schema=_SCHEMA)
        tables.merge(spark, table, tables.from_arrow(spark, rows, IMPORTS), _KEYS)


def _row(result: Imported, day: date, run_id: str) -> dict[str, object]:
    chosen = result.chosen
    return {
        "date": day,
        "workspace": chosen.workspace,
        "model": chosen.model,
        "version": chosen.version,
        "manifest_sha256": chosen.manifest_sha256,
        "hub_model": result.hub_model,
        "hub_version": result.hub_version,
        "status": result.status,
        "reason": result.reason or None,
        "bytes": chosen.bytes,
        "seconds": round(result.seconds, 3),
        "imported_at": result.at,
        "run_id": run_id,
    }
