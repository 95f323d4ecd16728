"""Step hrob.ingest: read the volume's new files into the births table, each file once; set bad files aside."""

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ml_code.platform import tables
from ml_code.platform.data_checks.rules import BadFile, check_csv
from ml_code.platform.volumes import Volume
from ml_code.projects.hrob import schema
from ml_code.projects.hrob.configuration import read_project

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from ml_code.context import Context

QUARANTINE = "quarantine"


@dataclass(frozen=True)
class Ingested:
    """What the step did: files and rows read, files set aside with the reason."""

    files: int
    rows: int
    quarantined: dict[str, str]


def run(context: "Context", **_: Any) -> Ingested:
    """Read, check, merge, log, set aside: in this order, so that a run that was killed is simply done again."""
    spark = context.spark
    landing = read_project(context.root, context.environment).parameters.landing
    births, log = context.table("births"), context.table("landing_files")
    tables.create_table(spark, births, schema.BIRTHS, schema.BIRTHS_COMMENT)
    tables.create_table(spark, log, schema.LANDING_FILES, schema.LANDING_FILES_COMMENT)

    volume = Volume(context.workspace, context.volume(landing.volume))
    new = _new_files(spark, log, volume)
    contents = volume.read_all(new)
    context.say(f"{len(new)} new files in {volume.path}")
    good, bad = check_files(contents)
    rows = _merge_births(spark, births, good)
    moved = {name: f"{volume.path}/{QUARANTINE}/{name}" for name in bad}
    _log_files(context, log, contents, good, bad, moved)
    for name, reason in bad.items():
        volume.set_aside(name, QUARANTINE)
        context.say(f"set aside {name}: {reason} (now {moved[name]})")
    context.say(f"{rows} births read from {len(good)} files into {births}; {len(bad)} files set aside")
    return Ingested(len(good), rows, bad)


def check_files(contents: dict[str, bytes]) -> tuple[dict[str, pa.Table], dict[str, str]]:
    """Typed rows of the files that meet the rules, and the reason for each that does not."""
    good: dict[str, pa.Table] = {}
    bad: dict[str, str] = {}
    for name, content in contents.items():
        try:
            good[name] = check_csv(content, schema.RULES, schema.KEY)
        except BadFile as error:
            bad[name] = str(error)
    return good, bad


def _new_files(spark: "SparkSession", log: str, volume: Volume) -> list[str]:
    """Files that were not ingested yet. A file that comes again after it was set aside is new."""
    done = spark.table(log).where("status = 'ingested'").select("file").toPandas()["file"]
    return sorted({file.name for file in volume.files() if file.name.endswith(".csv")} - set(done))


def _merge_births(spark: "SparkSession", births: str, good: dict[str, pa.Table]) -> int:
    """One MERGE for all files, so that they are in together or not at all; a later file corrects an earlier one."""
    filled = {name: rows for name, rows in sorted(good.items()) if rows.num_rows}
    if not filled:
        return 0
    parts = [rows.append_column("source_file", pa.array([name] * rows.num_rows)) for name, rows in filled.items()]
    newest = _last_by_key(pa.concat_tables(parts), schema.KEY)
    frame = tables.from_arrow(spark, newest, schema.BIRTHS)
    tables.merge(spark, births, frame, [schema.KEY])
    return int(newest.num_rows)


def _last_by_key(rows: pa.Table, key: str) -> pa.Table:
    """The last row of each key, so that a later file corrects an earlier one."""
    position = {value: index for index, value in enumerate(rows.column(key).to_pylist())}
    return rows.take(pa.array(sorted(position.values())))


def _log_files(
    context: "Context",
    log: str,
    contents: dict[str, bytes],
    good: dict[str, pa.Table],
    bad: dict[str, str],
    moved: dict[str, str],
) -> None:
    rows = [
        (
            name,
            hashlib.sha256(content).hexdigest(),
            "quarantined" if name in bad else "ingested",
            bad.get(name),
            moved.get(name),
            good[name].num_rows if name in good else None,
            context.date,
            context.run_id,
        )
        for name, content in contents.items()
    ]
    if rows:
        frame = context.spark.createDataFrame(rows, tables.ddl(schema.LANDING_FILES))
        tables.merge(context.spark, log, frame, ["file", "digest"])
