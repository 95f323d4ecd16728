from __future__ import annotations

import json
from typing import Any

import pytest

from ml_code.platform.monitoring.requests import BadRequest, Prediction, predictions

NAMES = ("age", "visits")
TWO = [Prediction("b1", (30.0, None), 0.25), Prediction("b2", (41.0, 7.0), 0.5)]
SPLIT = {"columns": ["birth_id", "visits", "age"], "data": [["b1", None, 30], ["b2", 7, 41]]}
RECORDS = [{"birth_id": "b1", "age": 30}, {"birth_id": "b2", "age": 41, "visits": 7, "unused": "x"}]
COLUMNS = {"birth_id": ["b1", "b2"], "age": [30, 41], "visits": [None, 7]}


def read(request: Any, response: Any = None, client: str | None = None) -> list[Prediction]:
    answer = {"predictions": [0.25, 0.5]} if response is None else response
    return predictions(json.dumps(request), json.dumps(answer), "birth_id", client, NAMES)


@pytest.mark.parametrize(
    "request_body",
    [
        {"dataframe_split": SPLIT},
        {"dataframe_records": RECORDS},
        {"inputs": COLUMNS},
        {"inputs": RECORDS},
        {"instances": RECORDS},
    ],
)
def test_every_format_gives_the_same_rows(request_body: dict[str, Any]) -> None:
    assert read(request_body) == TWO
    assert read(request_body, {"predictions": [[0.25], [0.5]]}) == TWO


def test_one_row_may_be_identified_by_the_client_request_id() -> None:
    one = {"dataframe_records": [{"age": 30, "visits": None}]}
    assert read(one, {"predictions": [0.1]}, "b9") == [Prediction("b9", (30.0, None), 0.1)]
    assert read(one, {"predictions": [0.1]}) == [Prediction(None, (30.0, None), 0.1)]
    assert read({"inputs": {"age": 30}}, {"predictions": [1]}) == [Prediction(None, (30.0, None), 1.0)]
    anonymous = [{"age": 30}, {"age": 31}]
    assert [row.key for row in read({"inputs": anonymous}, client="b9")] == [None, None]


@pytest.mark.parametrize(
    ("request_body", "response", "reason"),
    [
        ({"inputs": [[30, 1], [41, 7]]}, None, "rows without column names"),
        ({"dataframe_split": {"data": [[1]]}}, None, "rows without column names"),
        ({"dataframe_split": {"columns": ["age"], "data": [[1, 2]]}}, None, "another number of values"),
        ({"inputs": {"age": [1, 2], "visits": [1]}}, None, "columns of different lengths"),
        ({"rows": []}, None, "none of dataframe_split"),
        ([1], None, "not an object"),
        ({"dataframe_records": RECORDS}, {"predictions": [0.1]}, "another number of predictions"),
        ({"dataframe_records": RECORDS}, {"error": "x"}, "no predictions"),
        ({"dataframe_records": RECORDS}, {"predictions": [0.1, 1.5]}, "no probability"),
        ({"dataframe_records": RECORDS}, {"predictions": [0.1, None]}, "no probability"),
        ({"dataframe_records": [{"age": "thirty"}, {}]}, None, "not a number"),
        ({"dataframe_records": [{"birth_id": ["b"]}, {}]}, None, "not a text"),
    ],
)
def test_what_cannot_be_read_is_refused_without_its_values(request_body: Any, response: Any, reason: str) -> None:
    with pytest.raises(BadRequest, match=reason) as caught:
        read(request_body, response)
    assert "thirty" not in str(caught.value)


def test_texts_that_were_not_kept_or_are_not_json() -> None:
    with pytest.raises(BadRequest, match="request was not kept"):
        predictions(None, "{}", "birth_id", None, NAMES)
    with pytest.raises(BadRequest, match="response is not JSON"):
        predictions(json.dumps({"inputs": RECORDS}), "{", "birth_id", None, NAMES)
