from __future__ import annotations

import pytest

from ml_code.platform.data_checks.rules import BadFile, ColumnRule, check_csv

RULES = (
    ColumnRule("id", "string", "key", required=True),
    ColumnRule("day", "date", "day", required=True),
    ColumnRule("age", "integer", "age", low=10, high=60),
    ColumnRule("cigs", "number", "cigarettes", low=0),
)
GOOD = "id,day,age,cigs\nb1,2026-01-01,30,0.5\nb2,2026-01-02,,\n"


def test_a_good_file_is_typed_and_keeps_its_gaps() -> None:
    table = check_csv(GOOD.encode(), RULES, "id")
    assert table.schema.field("age").type == "int64"
    assert table.to_pylist()[1]["age"] is None


def test_other_columns_and_another_order_do_not_matter() -> None:
    table = check_csv(b"cigs,extra,age,day,id\n1,x,30,2026-01-01,b1\n", RULES, "id")
    assert table.column_names == ["id", "day", "age", "cigs"]


def test_a_header_alone_is_an_empty_day() -> None:
    assert check_csv(b"id,day,age,cigs\n", RULES, "id").num_rows == 0


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"id,day,age\nb1,2026-01-01,30\n", "column cigs is missing"),
        (GOOD.replace("30", "thirty").encode(), "column age: expected an integer, row 1 is something else"),
        (GOOD.replace("2026-01-02", "soon").encode(), "column day: expected a date like 2026-01-31, row 2"),
        (GOOD.replace("30", "30.5").encode(), "column age: expected an integer"),
        (GOOD.replace("30", "300").encode(), "column age: row 1 is above 60"),
        (GOOD.replace("0.5", "-1").encode(), "column cigs: row 1 is below 0"),
        (GOOD.replace("b2", "").encode(), "column id: may not be empty, row 2 is"),
        (GOOD.replace("b2", "b1").encode(), "column id: a value appears twice"),
        (b"id,id,day,age,cigs\n", "a column name appears twice"),
        (b"id,day,age,cigs\nb1,2026-01-01\n", "unreadable as CSV"),
        (b"\xff\xfe\x00\x01PK\x03\x04", "unreadable as CSV"),
        (b"", "not even a header"),
    ],
)
def test_a_bad_file_says_why(content: bytes, reason: str) -> None:
    with pytest.raises(BadFile, match=reason):
        check_csv(content, RULES, "id")


def test_a_reason_repeats_no_value() -> None:
    with pytest.raises(BadFile) as caught:
        check_csv(GOOD.replace("30", "Jane Doe").encode(), RULES, "id")
    assert "Jane" not in str(caught.value)
    with pytest.raises(BadFile) as caught:
        check_csv(b"id,day,age,cigs\nJane Doe,2026-01-01\n", RULES, "id")
    assert "Jane" not in str(caught.value)
