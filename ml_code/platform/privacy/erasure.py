"""One member's rows out of tables and out of the files that they came in."""

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_code.platform import tables

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@dataclass(frozen=True)
class Rewritten:
    """A file without the member's lines; digests are SHA-256 of its content before and after."""

    content: bytes
    lines: int
    before: str
    after: str


def delete_rows(spark: "SparkSession", name: str, column: str, identifiers: Iterable[str]) -> int | None:
    """Delete the rows with one of the identifiers; how many, None where there is no such table."""
    if not tables.exists(spark, name):
        return None
    listed = ", ".join(tables.literal(identifier) for identifier in identifiers)
    return tables.delete(spark, name, f"`{column}` in ({listed})")


def delete_requests(spark: "SparkSession", payload_table: str, identifier: str) -> int | None:
    """Delete the requests of a serving endpoint's inference table that name an identifier, whole: others in the same
    request are in the inference log already. How many requests; None where there is no such table.
    """
    if not tables.exists(spark, payload_table):
        return None
    quoted = tables.literal(json.dumps(identifier))
    asked = f"client_request_id = {tables.literal(identifier)} or instr(request, {quoted}) > 0"
    return tables.delete(spark, payload_table, asked)


def without(content: bytes, key: str, identifier: str) -> Rewritten | None:
    """A CSV file without the lines of an identifier, all others byte for byte; None when it has none of them.

    Of a file that is no CSV with the column `key` (a file set aside may be anything) every line goes that has the
    identifier as a word.
    """
    lines = content.splitlines(keepends=True)
    mine = _lines_of(lines, key, identifier)
    if not mine:
        return None
    rest = b"".join(line for number, line in enumerate(lines) if number not in mine)
    return Rewritten(rest, len(mine), digest(content), digest(rest))


def digest(content: bytes) -> str:
    """SHA-256 of a file's content, as the log of landed files has it."""
    return hashlib.sha256(content).hexdigest()


def _lines_of(lines: list[bytes], key: str, identifier: str) -> set[int]:
    word = re.compile(rb"(?<![\w-])" + re.escape(identifier.encode()) + rb"(?![\w-])")
    with_word = [number for number, line in enumerate(lines) if word.search(line)]
    header = _values(lines[0]) if lines else []
    if key not in header:
        return set(with_word)
    position = header.index(key)
    found = set()
    for number in with_word:
        values = _values(lines[number])
        # A line with another number of values is broken: no telling which of them is the key.
        if len(values) != len(header) or values[position].strip() == identifier:
            found.add(number)
    return found - {0}


def _values(line: bytes) -> list[str]:
    text = line.decode("utf-8", errors="replace").rstrip("\r\n")
    return [value.strip() for value in next(csv.reader(io.StringIO(text)), [])]
