"""Rules for the columns of a landed file, and the check of one CSV file against them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

Kind = Literal["string", "integer", "number", "date"]

_ARROW = {"string": pa.string(), "integer": pa.int64(), "number": pa.float64(), "date": pa.date32()}
_SPARK = {"string": "string", "integer": "bigint", "number": "double", "date": "date"}


class BadFile(Exception):
    """A landed file cannot be used; the message is the reason. It never repeats a value of a patient."""


@dataclass(frozen=True)
class ColumnRule:
    """What a column must look like: its kind, whether it may be empty, and its plausible range (both ends allowed)."""

    name: str
    kind: Kind
    words: str
    required: bool = False
    low: float | None = None
    high: float | None = None

    @property
    def spark_type(self) -> str:
        """The Spark SQL type of the column."""
        return _SPARK[self.kind]


def check_csv(content: bytes, rules: Sequence[ColumnRule], key: str) -> pa.Table:
    """The file as a typed table with the columns of the rules, others left out.

    Raises BadFile: unreadable, a column missing, a value of another type, empty where it may not be or out of its
    range, a key twice.
    """
    texts = _read(content)
    missing = [rule.name for rule in rules if rule.name not in texts.column_names]
    if missing:
        raise BadFile(f"column {', '.join(missing)} is missing")
    columns = {rule.name: _typed(texts.column(rule.name), rule) for rule in rules}
    table = pa.table(columns)
    if len(pc.unique(table.column(key))) != table.num_rows:
        raise BadFile(f"column {key}: a value appears twice")
    return table


def _read(content: bytes) -> pa.Table:
    if not content.strip():
        raise BadFile("the file is empty: not even a header")
    header = content.split(b"\n", 1)[0]
    try:
        names = [name.strip().strip('"') for name in header.decode("utf-8").rstrip("\r").split(",")]
        if len(set(names)) != len(names):
            raise BadFile("unreadable as CSV: a column name appears twice in the header")
        return csv.read_csv(
            pa.BufferReader(content),
            parse_options=csv.ParseOptions(newlines_in_values=False),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=["", "NA"]
            ),
        )
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        # Arrow's message may quote the row.
        raise BadFile(f"unreadable as CSV: {str(error).split(':')[0][:120]}") from None


def _typed(texts: pa.ChunkedArray, rule: ColumnRule) -> pa.Array:
    texts = texts.combine_chunks()
    try:
        values = pc.cast(texts, _ARROW[rule.kind])
    except pa.ArrowInvalid:
        row = _first_bad(texts, _ARROW[rule.kind])
        raise BadFile(f"column {rule.name}: expected {_article(rule.kind)}, row {row} is something else") from None
    if rule.required and values.null_count:
        row = pc.index(pc.is_null(values), True).as_py() + 1
        raise BadFile(f"column {rule.name}: may not be empty, row {row} is")
    for limit, outside, word in ((rule.low, pc.less, "below"), (rule.high, pc.greater, "above")):
        if limit is not None and pc.any(outside(values, limit)).as_py():
            row = pc.index(pc.fill_null(outside(values, limit), False), True).as_py() + 1
            raise BadFile(f"column {rule.name}: row {row} is {word} {limit:g}")
    return values


def _first_bad(texts: pa.Array, kind: pa.DataType) -> int:
    """Number (from 1, the header not counted) of the first row that cannot be read as the type."""
    low, high = 0, len(texts)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            pc.cast(texts.slice(low, middle - low), kind)
            low = middle
        except pa.ArrowInvalid:
            high = middle
    return low + 1


def _article(kind: str) -> str:
    return {"integer": "an integer", "date": "a date like 2026-01-31"}.get(kind, f"a {kind}")
