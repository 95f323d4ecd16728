"""From a scored row back to the features, the births table and the landed file that they came from."""

from __future__ import annotations

import datetime
import hashlib
from dataclasses import dataclass

from ci.lineage.code import add_job_run
from ci.lineage.sight import Missing, Sight, look
from ci.lineage.subject import DAY
from ci.lineage.trail import Kind, Node, State, Tracing, facts
from ci.tables import Row, quoted

SCORING_RUNS = "scoring_runs"
FEATURES, BIRTHS, LANDING_FILES = "features", "births", "landing_files"
_SOURCE = "source_file"


@dataclass(frozen=True)
class Reading:
    """What a scoring had read: the feature table, its Delta version and its id in Unity Catalog."""

    table: str
    version: int
    table_id: str | None


def find_reading(sight: Sight, predictions: str, row: Row) -> Reading | Missing:
    """The record of the scoring that wrote a row, or why there is none."""
    name = f"{predictions.rpartition('.')[0]}.{SCORING_RUNS}"
    keys = ("run_id", "commit", "model", "model_version")
    where = " AND ".join(f"`{key}` = :{key}" for key in keys)
    asked = {key: _parameter(row[key]) for key in keys}
    found = look(
        lambda: sight.tables.query(
            f"SELECT features_table, features_version, features_table_id FROM {quoted(name)}"  # noqa: S608  # checked names
            f" WHERE {where} AND `{DAY}` = :day ORDER BY features_version",
            **asked,
            day=datetime.date.fromisoformat(str(row[DAY])),
        )
    )
    if isinstance(found, Missing):
        return Missing(f"{name} cannot be read, so it is not known what the scoring read: {found.reason}")
    if not found:
        return Missing(f"{name} has no record of the scoring that wrote the row: the code that scored kept none")
    if len(found) > 1:
        versions = ", ".join(f"v{each['features_version']}" for each in found)
        return Missing(f"{name} has several records for it ({versions}): the run was repeated while features changed")
    only = found[0]
    table_id = only["features_table_id"]
    return Reading(str(only["features_table"]), _int(only["features_version"]), str(table_id) if table_id else None)


def feature_row(sight: Sight, reading: Reading, key: dict[str, str]) -> Row | Missing:
    """The row of features as it was when it was scored, or why it cannot be read."""
    present = look(lambda: sight.client.tables.get(reading.table))
    if isinstance(present, Missing):
        return Missing(f"{reading.table} is not there any more: {present.reason}")
    if reading.table_id and present.table_id != reading.table_id:
        return Missing(f"{reading.table} was dropped and made anew since: its v{reading.version} is another table's")
    return _row_as_of(sight, reading.table, reading.version, key)


def present_row(sight: Sight, table: str, key: dict[str, str]) -> Row | Missing:
    """The row of features as it is now."""
    return _row_as_of(sight, table, None, key)


def add_derived(
    tracing: Tracing, sight: Sight, table: str, version: int, into: str, relation: str, **more: str | None
) -> str:
    """A table that is computed from births, at a Delta version, and the births before it; `more` is known of it."""
    kind = Kind.FEATURES if table.endswith(f".{FEATURES}") else Kind.TABLE
    found = look(lambda: sight.client.tables.get(table))
    counted = look(lambda: sight.tables.query(f"SELECT count(*) AS n FROM {quoted(table, version)}"))  # noqa: S608  # checked name
    lost = found.reason if isinstance(found, Missing) else counted.reason if isinstance(counted, Missing) else ""
    described = facts(
        [
            ("Delta version", version),
            ("rows", None if isinstance(counted, Missing) else counted[0]["n"]),
            ("columns", None if isinstance(found, Missing) else len(found.columns or [])),
            ("about", None if isinstance(found, Missing) else found.comment),
            *((name.replace("_", " "), value) for name, value in more.items()),
        ]
    )
    node = Node(
        id=table_id(table, version),
        kind=kind,
        title=f"{table} @ v{version}",
        state=State.GAP if lost else State.FOUND,
        reason=f"v{version} cannot be read any more: {lost}" if lost else "",
        facts=described,
    )
    id = tracing.add(node, into=into, relation=relation)
    _add_births(tracing, sight, f"{table.rpartition('.')[0]}.{BIRTHS}", id)
    return id


def add_source_of_row(tracing: Tracing, sight: Sight, features: str, row: Row, key: dict[str, str]) -> None:
    """The landed file that a row of features came from, and whether births still take it from there."""
    schema = features.rpartition(".")[0]
    births, file = f"{schema}.{BIRTHS}", str(row.get(_SOURCE) or "")
    if not file:
        reason = f"the row of features has no {_SOURCE}"
        tracing.gap(Kind.FILE, table_id(births), "landed file", reason, "was read into")
        return
    now = _row_as_of(sight, births, None, key)
    if isinstance(now, Missing):
        tracing.gap(Kind.TABLE, table_id(births), "row of births", now.reason, "is part of")
    elif now.get(_SOURCE) != file:
        corrected = Node(
            id=_file_id(sight, births, str(now.get(_SOURCE))),
            kind=Kind.FILE,
            title=str(now.get(_SOURCE)),
            facts={"corrected": f"the row that {file} brought, after it was scored"},
        )
        tracing.add(corrected, into=table_id(births), relation="corrects")
    _add_file(tracing, sight, schema, births, file)


def table_id(table: str, version: int | None = None) -> str:
    """Id of a table's node."""
    return f"table:{table}" if version is None else f"table:{table}@v{version}"


def _add_births(tracing: Tracing, sight: Sight, births: str, into: str) -> None:
    if table_id(births) in tracing:
        tracing.link(table_id(births), into, "was computed into")
        return
    found = look(lambda: sight.client.tables.get(births))
    if isinstance(found, Missing):
        lost = Node(id=table_id(births), kind=Kind.TABLE, title=births, state=State.GAP, reason=found.reason)
        tracing.add(lost, into=into, relation="was computed into")
        return
    tracing.add(
        Node(id=table_id(births), kind=Kind.TABLE, title=births, facts=facts([("about", found.comment)])),
        into=into,
        relation="was computed into",
    )
    _add_files(tracing, sight, births)


def _add_files(tracing: Tracing, sight: Sight, births: str) -> None:
    """All landed files in one node: what births were made of."""
    log = f"{births.rpartition('.')[0]}.{LANDING_FILES}"
    counted = look(
        lambda: sight.tables.query(
            "SELECT `status`, count(*) AS files, sum(rows_read) AS `rows`, min(`file`) AS first, max(`file`) AS last"  # noqa: S608  # checked names
            f" FROM {quoted(log)} GROUP BY `status`"
        )
    )
    if isinstance(counted, Missing) or not counted:
        reason = counted.reason if isinstance(counted, Missing) else f"{log} is empty"
        tracing.gap(Kind.TABLE, table_id(births), log, reason, "lists the files of")
        return
    told = [
        (str(each["status"]), f"{each['files']} files, {each['rows'] or 0} rows, {each['first']} to {each['last']}")
        for each in sorted(counted, key=lambda each: str(each["status"]))
    ]
    log_node = Node(id=table_id(log), kind=Kind.TABLE, title=log, facts=facts(told))
    tracing.add(log_node, into=table_id(births), relation="lists the files of")


def _add_file(tracing: Tracing, sight: Sight, schema: str, births: str, file: str) -> None:
    id = _file_id(sight, births, file)
    log = f"{schema}.{LANDING_FILES}"
    logged = look(
        lambda: sight.tables.query(
            f"SELECT * FROM {quoted(log)} WHERE `file` = :file AND `status` = 'ingested'",  # noqa: S608  # checked names
            file=file,
        )
    )
    if isinstance(logged, Missing) or not logged:
        reason = logged.reason if isinstance(logged, Missing) else f"{log} does not know it"
        tracing.add(Node(id=id, kind=Kind.FILE, title=file, state=State.GAP, reason=reason))
        tracing.link(id, table_id(births), "was read into")
        return
    entry = logged[-1]
    digest = str(entry["digest"])
    problem = _differs(sight, births, file, digest)
    node = Node(
        id=id,
        kind=Kind.FILE,
        title=file,
        state=State.GAP if problem else State.FOUND,
        reason=problem or "",
        facts=facts(
            [
                ("sha256", digest),
                ("rows", entry["rows_read"]),
                ("read", f"on the run of {entry['day']}"),
                ("logged in", log),
                ("in the volume", None if problem else "the same content"),
            ]
        ),
    )
    tracing.add(node, into=table_id(births), relation="was read into")
    if table_id(log) in tracing:
        tracing.link(id, table_id(log), "is logged in")
    add_job_run(tracing, sight, str(entry["run_id"]), None, births, table_id(births), "read files into")


def _differs(sight: Sight, births: str, file: str, digest: str) -> str | None:
    """Why the file in the volume is not known to be the one that was read; None if it is."""
    settings = sight.settings_of(births)
    if settings is None:
        return "its volume is not known: the table is of none of the project's environments"

    def content() -> bytes:
        with sight.client.files.download(f"{settings.volume_path}/{file}").contents as stream:  # type: ignore[union-attr]  # a download has contents
            return bytes(stream.read())

    found = look(content)
    if isinstance(found, Missing):
        return f"its content cannot be checked any more: {found.reason}"
    now = hashlib.sha256(found).hexdigest()
    return None if now == digest else f"the file in the volume is another one now: its SHA-256 is {now}, not {digest}"


def _row_as_of(sight: Sight, table: str, version: int | None, key: dict[str, str]) -> Row | Missing:
    where = " AND ".join(f"`{name}` = :{name}" for name in key)
    found = look(
        lambda: sight.tables.query(f"SELECT * FROM {quoted(table, version)} WHERE {where}", **key)  # noqa: S608  # checked names
    )
    at = table if version is None else f"{table} at v{version}"
    if isinstance(found, Missing):
        return Missing(f"{at} cannot be read: {found.reason}")
    if len(found) != 1:
        return Missing(f"{at} has {len(found)} rows with {', '.join(f'{name} {value}' for name, value in key.items())}")
    return found[0]


def _file_id(sight: Sight, births: str, file: str) -> str:
    settings = sight.settings_of(births)
    return f"file:{settings.volume_path if settings else births}/{file}"


def _parameter(value: object) -> str | int:
    return value if isinstance(value, int) else str(value)


def _int(value: object) -> int:
    return int(str(value))
