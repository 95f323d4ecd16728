"""Requests and responses of a model server as rows: MLflow's scoring formats, and what is wrong with the others.

Formats (MLflow, "Local inference server spec"): `dataframe_split` ({columns, data}), `dataframe_records` (a list of
rows), `inputs` and `instances` (columns by name, or a list of rows by name). Rows without column names are refused:
nobody can tell which feature a value is of.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]


class BadRequest(Exception):
    """A request that cannot be logged; the message is the reason, without any of its values."""


@dataclass(frozen=True)
class Prediction:
    """One row of a request with its risk; `features` has a value, or None, for each that was asked for."""

    key: str | None
    features: tuple[float | None, ...]
    risk: float


def predictions(
    request: str | None, response: str | None, key: str, client_id: str | None, features: Sequence[str]
) -> list[Prediction]:
    """The rows of a request. Raises BadRequest.

    A row's identifier is its value of `key`; a request with one row may give it as its client request id instead.
    """
    rows = _rows(_parsed(request, "request"))
    risks = _risks(_parsed(response, "response"))
    if len(rows) != len(risks):
        raise BadRequest("another number of predictions than of rows")
    single = client_id if len(rows) == 1 else None
    return [
        Prediction(_text(row.get(key), single), tuple(_number(row.get(name)) for name in features), risk)
        for row, risk in zip(rows, risks, strict=True)
    ]


def _parsed(text: str | None, what: str) -> Any:
    if not text:
        raise BadRequest(f"the {what} was not kept")
    try:
        return json.loads(text)
    except ValueError:
        raise BadRequest(f"the {what} is not JSON") from None


def _rows(body: Any) -> list[Row]:
    if not isinstance(body, dict):
        raise BadRequest("the request is not an object")
    if "dataframe_split" in body:
        return _split(body["dataframe_split"])
    for name in ("dataframe_records", "inputs", "instances"):
        if name in body:
            return _columns(body[name]) if isinstance(body[name], dict) else _records(body[name])
    raise BadRequest("the request has none of dataframe_split, dataframe_records, inputs and instances")


def _split(content: Any) -> list[Row]:
    columns = content.get("columns") if isinstance(content, dict) else None
    data = content.get("data") if isinstance(content, dict) else None
    if not isinstance(columns, list) or not isinstance(data, list):
        raise BadRequest("rows without column names")
    if any(not isinstance(values, list) or len(values) != len(columns) for values in data):
        raise BadRequest("a row with another number of values than of columns")
    return [dict(zip(columns, values, strict=True)) for values in data]


def _records(content: Any) -> list[Row]:
    if not isinstance(content, list) or any(not isinstance(row, dict) for row in content):
        raise BadRequest("rows without column names")
    return content


def _columns(content: dict[str, Any]) -> list[Row]:
    columns = {name: values if isinstance(values, list) else [values] for name, values in content.items()}
    if len({len(values) for values in columns.values()}) != 1:
        raise BadRequest("columns of different lengths")
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _risks(body: Any) -> list[float]:
    found = body.get("predictions") if isinstance(body, dict) else None
    if not isinstance(found, list):
        raise BadRequest("the response has no predictions")
    risks = [_number(value[0] if isinstance(value, list) and len(value) == 1 else value) for value in found]
    if any(risk is None or not 0 <= risk <= 1 for risk in risks):
        raise BadRequest("a prediction is no probability")
    return [risk for risk in risks if risk is not None]


def _number(value: Any) -> float | None:
    if value is None:
        return None
    if not isinstance(value, int | float):
        raise BadRequest("a value is not a number")
    number = float(value)
    return None if math.isnan(number) else number


def _text(value: Any, otherwise: str | None) -> str | None:
    if isinstance(value, list | dict):
        raise BadRequest("an identifier is not a text")
    return otherwise if value is None else str(value)
