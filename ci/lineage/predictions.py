"""One row of predictions: found by what is asked, or a clear word on why it is not."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ci.errors import Trouble
from ci.lineage.sight import Missing, Sight, look
from ci.lineage.subject import DAY, PredictionRow
from ci.tables import QueryFailed, Row, quoted

if TYPE_CHECKING:
    from databricks.sdk.service.catalog import ColumnInfo

NEEDED = ("risk", "model", "model_version", "run_id", "commit", DAY)
_WHOLE = ("BYTE", "SHORT", "INT", "LONG")
_SHOWN = 5


@dataclass(frozen=True)
class Prediction:
    """A row; `key` is its own key without the day: what identifies the member in the feature table."""

    table: str
    row: Row
    key: dict[str, str]

    @property
    def name(self) -> str:
        """Table, key and day, however it was asked for."""
        return f"{self.table}/{','.join(f'{name}={value}' for name, value in self.key.items())},{DAY}={self.row[DAY]}"

    @property
    def id(self) -> str:
        """Id of its node."""
        return f"prediction:{self.name}"

    @property
    def model(self) -> tuple[str, int]:
        """Name and version of the model that scored it."""
        return str(self.row["model"]), int(str(self.row["model_version"]))


def find_prediction(sight: Sight, asked: PredictionRow) -> Prediction:
    """The only row that meets the conditions. Raises Trouble where there is none or several, naming some."""
    columns = _columns(sight, asked)
    for name, value in asked.where.items():
        if name not in columns:
            raise Trouble(f"{asked.table} has no column {name!r}: it has {', '.join(columns)}")
        _typed(columns[name], name, value)
    where = " AND ".join(f"`{name}` = :{name}" for name in asked.where)
    given = {name: _typed(columns[name], name, value) for name, value in asked.where.items()}
    try:
        rows = sight.tables.query(
            f"SELECT * FROM {quoted(asked.table)} WHERE {where} LIMIT {_SHOWN + 1}",  # noqa: S608  # checked names
            **given,
        )
    except QueryFailed as error:
        raise Trouble(f"{asked.table} cannot be read: {error}") from error
    keys = [name for name, column in columns.items() if column.nullable is False and name != DAY]
    if not rows:
        raise Trouble(f"{asked.table} has no row with {asked.conditions}{_span(sight, asked.table)}")
    found = [
        Prediction(asked.table, row, {name: str(row[name]) for name in keys or asked.where if name != DAY})
        for row in rows
    ]
    if len(found) > 1:
        listed = "".join(f"\n  {each.name}" for each in found[:_SHOWN]) + ("\n  …" if len(found) > _SHOWN else "")
        raise Trouble(f"several rows of {asked.table} have {asked.conditions}: name one, such as{listed}")
    return found[0]


def _columns(sight: Sight, asked: PredictionRow) -> dict[str, ColumnInfo]:
    table = look(lambda: sight.client.tables.get(asked.table))
    if isinstance(table, Missing):
        raise Trouble(f"no table {asked.table}: {table.reason}")
    columns = {column.name or "": column for column in table.columns or []}
    if lacking := [name for name in NEEDED if name not in columns]:
        raise Trouble(f"{asked.table} is no table of predictions: it has no column {', '.join(lacking)}")
    return columns


def _span(sight: Sight, table: str) -> str:
    """From when to when there are predictions, for those who asked for another day."""
    told = look(
        lambda: sight.tables.query(
            f"SELECT count(*) AS n, min(`{DAY}`) AS first, max(`{DAY}`) AS last FROM {quoted(table)}"  # noqa: S608  # checked name
        )
    )
    if isinstance(told, Missing) or not told[0]["n"]:
        return ": it is empty" if not isinstance(told, Missing) else ""
    return f" among its {told[0]['n']} rows of {told[0]['first']} to {told[0]['last']}"


def _typed(column: ColumnInfo, name: str, value: str) -> str | int | datetime.date:
    kind = column.type_name.value if column.type_name else "STRING"
    try:
        if kind in _WHOLE:
            return int(value)
        if kind == "DATE":
            return datetime.date.fromisoformat(value)
    except ValueError as error:
        expected = "a day such as 2026-11-20" if kind == "DATE" else "a whole number"
        raise Trouble(f"{name}={value}: expected {expected}") from error
    return value
