"""The hub's tables as the catalogue's records; one that has not been made yet has no rows."""

from __future__ import annotations

import datetime
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ml_code.platform import tables
from ml_code.platform.errors import StepError
from ml_code.platform.marketplace import schema
from ml_code.platform.marketplace.catalogue.records import KINDS, Approval, Intake, Refusal, Use
from ml_code.platform.marketplace.consumers.uses import FOLDER
from ml_code.platform.marketplace.registry.reading import is_in_catalog

if TYPE_CHECKING:
    from ml_code.context import Context
    from ml_code.platform.marketplace.archive.archive import Archive

Row = dict[str, Any]


def short(model: str) -> str:
    """A registered model's name without catalog and schema, where it has them: tables may name it either way."""
    return model.rpartition(".")[2] if is_in_catalog(model) else model


def read_models(context: Context) -> list[str]:
    """Names of all models that were ever imported, as the registry has them."""
    rows = _rows(context, schema.IMPORTS_TABLE, ("hub_model",))
    return sorted({row["hub_model"] for row in rows if row["hub_model"]})


def read_refusals(context: Context) -> list[Refusal]:
    """What the last run of the import did not take, up to the context's date."""
    names = ("date", "workspace", "model", "version", "status", "reason", "imported_at", "run_id")
    rows = [row for row in _rows(context, schema.IMPORTS_TABLE, names) if row["date"] <= context.date]
    if not rows:
        return []
    last = max(rows, key=lambda row: row["imported_at"])["run_id"]
    return [
        Refusal(row["date"], row["workspace"], row["model"], row["version"], row["status"], row["reason"] or "")
        for row in sorted(rows, key=lambda row: (row["workspace"], row["model"], row["version"] or 0))
        if row["run_id"] == last and row["status"] in ("refused", "failed")
    ]


def read_approvals(context: Context) -> dict[str, list[Approval]]:
    """By model: the last thing that was applied for each principal, by name."""
    last: dict[tuple[str, str], Row] = {}
    problems: dict[tuple[str, str], str] = {}
    for row in sorted(_rows(context, schema.APPROVALS_TABLE), key=lambda row: row["applied_at"]):
        key = (short(row["model"]), row["principal"])
        if row["state"] == "failed":  # what was in force before still is
            problems[key] = row["reason"] or "no reason was given"
            last.setdefault(key, row)
        else:
            last[key] = row
            problems.pop(key, None)
    found: dict[str, list[Approval]] = defaultdict(list)
    for key, row in sorted(last.items()):
        rest = (row["state"], row["until"], row["approved_by"] or "", row["reason"] or "", row["commit"])
        found[key[0]].append(Approval(_utc(row["applied_at"]), key[1], *rest, problems.get(key, "")))
    return found


def read_uses(context: Context) -> dict[str, list[Use]]:
    """By model, the latest first."""
    found: dict[str, list[Use]] = defaultdict(list)
    for row in sorted(_rows(context, schema.USES_TABLE), key=lambda row: row["used_at"], reverse=True):
        use = (row["version"], row["workspace"], row["kind"], row["principal"], row["count"])
        found[short(row["model"])].append(Use(_utc(row["used_at"]), *use))
    return found


def read_intakes(context: Context, archive: Archive) -> list[Intake]:
    """The last check of each request and revision, the latest first, with its report as far as the archive has it."""
    last: dict[tuple[str, str], Row] = {}
    for row in sorted(_rows(context, schema.INTAKES_TABLE), key=lambda row: row["checked_at"]):
        last[row["request"], row["revision"]] = row
    latest = sorted(last.values(), key=lambda row: row["checked_at"], reverse=True)
    return [_intake(row, archive) for row in latest]


def gather_uses(context: Context, archive: Archive) -> tuple[int, list[str]]:
    """Put the archive's use records that are new into the table of uses; how many, and those that are none.

    A record is counted once, however often it is gathered: its identifier is the key.
    """
    import pyarrow as pa

    tables.create_table(context.spark, context.table(schema.USES_TABLE), schema.USES, schema.USES_COMMENT)
    known = {row["use_id"] for row in _rows(context, schema.USES_TABLE, ("use_id",))}
    rows, unreadable = [], []
    for path in archive.documents(FOLDER):
        if path.rpartition("/")[2].removesuffix(".json") in known:
            continue
        try:
            row = _use(archive.read_document(path))
        except (StepError, KeyError, TypeError, ValueError) as error:
            unreadable.append(f"{path}: not a record of a use ({type(error).__name__}: {error})")
            continue
        if row["use_id"] not in known:
            known.add(row["use_id"])
            rows.append(row)
    if rows:
        frame = tables.from_arrow(context.spark, pa.Table.from_pylist(rows), schema.USES)
        tables.merge(context.spark, context.table(schema.USES_TABLE), frame, ["use_id"], update=False)
    return len(rows), unreadable


def _use(found: Any) -> Row:
    """A document as a row. Raises KeyError, TypeError or ValueError."""
    row = {column.name: found[column.name] for column in schema.USES}
    moment = row["used_at"]
    moment = datetime.datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    version, count = int(row["version"]), int(row["count"])
    if row["kind"] not in KINDS:
        raise ValueError(f"kind {row['kind']!r} is none of {', '.join(KINDS)}")
    if count < 0:
        raise ValueError(f"count {count} is below 0")
    return {
        **{key: str(value) for key, value in row.items()},
        "used_at": _utc(moment),
        "version": version,
        "count": count,
    }


def _intake(row: Row, archive: Archive) -> Intake:
    report: Any = None
    if row["report"]:
        try:
            report = archive.read_document(row["report"])
        except StepError as error:
            report = {"unreadable": str(error)}
    names = ("request", "source", "revision", "licence", "purpose", "owner", "verdict")
    return Intake(
        **{name: row[name] for name in names},
        reasons=tuple(_reasons(row["reasons"])),
        checked_at=_utc(row["checked_at"]),
        report=report if isinstance(report, dict) else {},
    )


def _reasons(text: str) -> Iterator[str]:
    try:
        found = json.loads(text)
    except ValueError:
        found = text
    for each in found if isinstance(found, list) else [found]:
        yield each if isinstance(each, str) else json.dumps(each, ensure_ascii=False)


def _rows(context: Context, table: str, columns: Sequence[str] = ()) -> list[Row]:
    name = context.table(table)
    if not tables.exists(context.spark, name):
        return []
    frame = context.spark.table(name)
    rows: list[Row] = tables.to_arrow(frame.select(*columns) if columns else frame).to_pylist()
    return rows


def _utc(moment: datetime.datetime) -> datetime.datetime:
    if moment.tzinfo is None:
        return moment.replace(tzinfo=datetime.UTC)
    return moment.astimezone(datetime.UTC)
