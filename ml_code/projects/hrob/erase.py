"""Step hrob.erase: everything that is kept of one member, out of the landed files and out of every table.

Sources come before what is made from them, so that a run that was killed leaves nothing from which the rest could come
back; it is simply done again. A landed file is rewritten under its own name, by which hrob.ingest knows that it has
read it, and the log of landed files gets its new digest, by which the lineage of a prediction finds it unchanged.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ml_code.platform import tables
from ml_code.platform.errors import StepError
from ml_code.platform.privacy.erasure import delete_requests, delete_rows, digest, without
from ml_code.platform.privacy.history import vacuum
from ml_code.platform.privacy.pseudonyms import pseudonym
from ml_code.platform.volumes import Volume
from ml_code.projects.hrob.configuration import Project, read_project
from ml_code.projects.hrob.ingest import QUARANTINE
from ml_code.projects.hrob.learned import versions_that_saw
from ml_code.projects.hrob.monitored import ATTRIBUTIONS, BASELINE, LOG, layout_of
from ml_code.projects.hrob.schema import KEY
from ml_code.projects.hrob.score import UNDER_WAY

if TYPE_CHECKING:
    from ml_code.context import Context

SOURCES = ("births", "features", "labels", "predictions")
LOGS = (LOG, BASELINE, ATTRIBUTIONS)
_REASON = "rewritten without the lines of an erased member"


@dataclass(frozen=True)
class Erased:
    """Lines removed by file, rows deleted by table, and the model versions that had learned from the member."""

    files: dict[str, int]
    rows: dict[str, int]
    versions: tuple[str, ...]


def run(context: "Context", *, member: str, payload_table: str = "", **_: Any) -> Erased:
    """Erase and say what was done in each place; a second run finds nothing."""
    member = member.strip()
    if not member:
        raise StepError("--member: expected the identifier of a birth, found nothing")
    project = read_project(context.root, context.environment)
    # What the member was used for is known from its row, which goes.
    versions = versions_that_saw(context, project, member)
    files = _files(context, project, member)
    rows = _rows(context, project, member, payload_table)
    tables.run(context.spark, f"DROP TABLE IF EXISTS {context.table(UNDER_WAY)}")
    _say(context, member, files, rows, versions)
    return Erased(files, rows, versions)


def _files(context: "Context", project: Project, member: str) -> dict[str, int]:
    """Lines removed from each file of the volume, those set aside included."""
    landing = context.volume(project.parameters.landing.volume)
    removed = {}
    for path in (landing, f"{landing}/{QUARANTINE}"):
        volume = Volume(context.workspace, path)
        for name, content in volume.read_all([file.name for file in volume.files()]).items():
            rewritten = without(content, KEY, member)
            if rewritten is not None:
                _log_digest(context, name, rewritten.before, rewritten.after, rewritten.lines)
                volume.write(name, rewritten.content)
                removed[f"{path}/{name}"] = rewritten.lines
            if path == landing:
                _forget_digests(context, name, rewritten.after if rewritten else digest(content))
    return removed


def _log_digest(context: "Context", file: str, before: str, after: str, lines: int) -> None:
    """Log the file as ingested with its new digest, before it is rewritten: at no moment does the log lack it."""
    from pyspark.sql import functions as F  # noqa: N812  # Spark's own convention

    log = context.table("landing_files")
    if not tables.exists(context.spark, log):
        return
    known = (F.col("file") == F.lit(file)) & (F.col("digest") == F.lit(before)) & (F.col("status") == "ingested")
    entry = context.spark.table(log).where(known)
    changed = {"digest": F.lit(after), "reason": F.lit(_REASON), "rows_read": F.col("rows_read") - F.lit(lines)}
    tables.merge(context.spark, log, entry.withColumns(changed), ["file", "digest"])


def _forget_digests(context: "Context", file: str, present: str) -> None:
    """Remove the entries of a rewritten file's former content."""
    log = context.table("landing_files")
    if not tables.exists(context.spark, log):
        return
    of_file = f"file = {tables.literal(file)} and status = 'ingested'"
    rewritten = f"{of_file} and digest = '{present}' and reason = '{_REASON}'"
    if context.spark.table(log).where(rewritten).limit(1).count():
        tables.delete(context.spark, log, f"{of_file} and digest <> '{present}'")


def _rows(context: "Context", project: Project, member: str, payload_table: str) -> dict[str, int]:
    kept = [member]
    if project.parameters.privacy.rule(KEY) == "hash":
        secret = layout_of(context, project).secret
        # Rows of before the rule have the plain identifier.
        kept.append(pseudonym(member, secret or b""))
    deleted: dict[str, int | None] = {}
    if payload_table:
        deleted[payload_table] = delete_requests(context.spark, payload_table, member)
    deleted |= {context.table(name): delete_rows(context.spark, context.table(name), KEY, [member]) for name in SOURCES}
    deleted |= {context.table(name): delete_rows(context.spark, context.table(name), KEY, kept) for name in LOGS}
    return {name: rows for name, rows in deleted.items() if rows is not None}


def _say(
    context: "Context", member: str, files: dict[str, int], rows: dict[str, int], versions: tuple[str, ...]
) -> None:
    for name, lines in files.items():
        context.say(f"{name}: {lines} lines removed")
    if not files:
        context.say("no file of the volume has the member")
    for name, count in rows.items():
        context.say(f"{name}: {count} rows deleted")
    context.say(vacuum(context.spark, list(rows), context.date, rewrite=True))
    for version in versions:
        context.say(f"{version}; it stays as it is until it is replaced or deleted")
    if not versions:
        context.say(f"no model version is known to have seen {member}")
    context.say(
        "not looked at: an inference table that --payload_table does not name, and copies outside of this schema, "
        "which their owners erase; a file that is landed anew under another name is read again"
    )
