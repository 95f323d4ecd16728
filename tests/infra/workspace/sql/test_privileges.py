"""What statements need, told from their text."""

from __future__ import annotations

import pytest

from infra.workspace.gateway.errors import BadRequest, NotSupported
from infra.workspace.sql.privileges import needs


def told(statement: str) -> set[tuple[str, str]]:
    return {(need.privilege, need.full_name.replace("`", "")) for need in needs(statement, "dev", "hrob")}


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("SELECT 1", set()),
        ("SELECT * FROM births", {("SELECT", "dev.hrob.births")}),
        (
            "SELECT * FROM prod.hrob.a JOIN staging.hrob.b USING (id)",
            {("SELECT", "prod.hrob.a"), ("SELECT", "staging.hrob.b")},
        ),
        ("WITH a AS (SELECT * FROM x.y.z) SELECT * FROM a", {("SELECT", "x.y.z")}),
        ("SELECT (SELECT max(id) FROM x.y.z) FROM births", {("SELECT", "x.y.z"), ("SELECT", "dev.hrob.births")}),
        ("SELECT * FROM range(3)", set()),
        ("VALUES (1, 2)", set()),
        ("INSERT INTO births VALUES (1)", {("MODIFY", "dev.hrob.births")}),
        ("INSERT INTO births (id) SELECT id FROM x.y.z", {("MODIFY", "dev.hrob.births"), ("SELECT", "x.y.z")}),
        (
            "INSERT OVERWRITE births SELECT * FROM births",
            {("MODIFY", "dev.hrob.births"), ("SELECT", "dev.hrob.births")},
        ),
        ("UPDATE births SET id = 1", {("MODIFY", "dev.hrob.births")}),
        ("DELETE FROM births WHERE id IN (SELECT id FROM x.y.z)", {("MODIFY", "dev.hrob.births"), ("SELECT", "x.y.z")}),
        (
            "MERGE INTO births t USING x.y.z s ON t.id = s.id WHEN MATCHED THEN UPDATE SET *",
            {("MODIFY", "dev.hrob.births"), ("SELECT", "dev.hrob.births"), ("SELECT", "x.y.z")},
        ),
        ("CREATE TABLE births (id INT) USING delta", {("CREATE_TABLE", "dev.hrob")}),
        ("CREATE TABLE t AS SELECT * FROM x.y.z", {("CREATE_TABLE", "dev.hrob"), ("SELECT", "x.y.z")}),
        ("DROP TABLE IF EXISTS births", {("MANAGE", "dev.hrob.births")}),
        ("CREATE SCHEMA prod.mine", {("CREATE_SCHEMA", "prod")}),
        ("DROP SCHEMA prod.hrob CASCADE", {("MANAGE", "prod.hrob")}),
        ("DROP DATABASE hrob", {("MANAGE", "dev.hrob")}),
        ("SHOW TABLES IN prod.hrob", set()),
    ],
)
def test_needs(statement: str, expected: set[tuple[str, str]]) -> None:
    assert told(statement) == expected


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM delta.`/tmp/x`",
        "SELECT * FROM read_files('/tmp/x')",
        "COPY INTO births FROM '/tmp/x' FILEFORMAT = CSV",
        "INSERT OVERWRITE DIRECTORY '/tmp/x' SELECT 1",
        "GRANT SELECT ON TABLE births TO ann",
        "CREATE VIEW v AS SELECT * FROM births",
        "CREATE FUNCTION f() RETURNS INT RETURN 1",
    ],
)
def test_what_cannot_be_checked_is_not_let_through(statement: str) -> None:
    with pytest.raises(NotSupported):
        needs(statement, "dev", "hrob")


@pytest.mark.parametrize("statement", ["", "SELECT 1; SELECT 2", "SELECT FROM WHERE (", "SELECT * FROM births"])
def test_what_does_not_parse_or_has_no_place(statement: str) -> None:
    with pytest.raises(BadRequest):
        needs(statement, None, None)
