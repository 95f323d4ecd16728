"""Tables of both sides."""

from __future__ import annotations

from pathlib import Path

from ci.rehearsal.model import Table
from ci.rehearsal.tables import newest_version, pairs


def test_the_newest_version_is_the_last_commit_of_the_log(tmp_path: Path) -> None:
    log = tmp_path / "a table" / "_delta_log"
    log.mkdir(parents=True)
    for name in ("00000000000000000000.json", "00000000000000000010.json", "00000000000000000010.checkpoint.parquet"):
        (log / name).touch()
    (log / "00000000000000000099.crc").touch()
    assert newest_version((tmp_path / "a table").as_uri()) == 10
    assert newest_version("abfss://container@account.dfs.core.windows.net/table") is None
    assert newest_version((tmp_path / "nothing").as_uri()) is None


def test_tables_of_both_sides_stand_side_by_side() -> None:
    one, two = Table(columns=(), rows=1), Table(columns=(), rows=2)
    found = pairs({"a": one, "b": one}, {"b": two, "c": two})
    assert [(pair.name, pair.before, pair.after) for pair in found] == [
        ("a", one, None),
        ("b", one, two),
        ("c", None, two),
    ]
