"""Batches of a run's history: within MLflow's limits, everything once and in order."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ml_code.platform.marketplace.registry.http import Rest
from ml_code.platform.marketplace.registry.writing import Point, Tracking

_LONGEST_REQUEST = 1_000_000
_KEYS = st.integers(0, 400).map(lambda number: f"key{number}")


class Noted(Rest):
    """Keeps what would be sent."""

    def __init__(self) -> None:
        super().__init__("http://nowhere.invalid", dict)
        self.sent: list[dict[str, Any]] = []

    def call(
        self, method: str, path: str, fields: Mapping[str, Any] | None = None, *, repeatable: bool = False
    ) -> dict[str, Any]:
        assert path.endswith("/runs/log-batch")
        self.sent.append(json.loads(json.dumps(fields, allow_nan=False)))
        return {}


@settings(deadline=None, max_examples=40)
@given(
    st.integers(0, 2500),
    st.dictionaries(_KEYS, st.integers(0, 6000).map("x".__mul__), max_size=250),
    st.dictionaries(_KEYS, st.integers(0, 8000).map("y".__mul__), max_size=250),
)
def test_batches(points: int, params: dict[str, str], tags: dict[str, str]) -> None:
    rest = Noted()

    Tracking(rest).log("r", (Point("loss", 0.5, step, step) for step in range(points)), params, tags)

    for batch in rest.sent:
        counts = [len(batch[kind]) for kind in ("metrics", "params", "tags")]
        assert counts[0] <= 1000
        assert max(counts[1:]) <= 100
        assert 0 < sum(counts) <= 1000
        assert len(json.dumps(batch)) <= _LONGEST_REQUEST
    assert [each["step"] for batch in rest.sent for each in batch["metrics"]] == list(range(points))
    for kind, values in (("params", params), ("tags", tags)):
        assert [(each["key"], each["value"]) for batch in rest.sent for each in batch[kind]] == list(values.items())


def test_what_json_has_no_number_for() -> None:
    rest = Noted()

    Tracking(rest).log("r", [Point("a", math.nan, 1, 0), Point("a", -math.inf, 2, 1), Point("a", 1.5, 3, 2, "m-1")])

    [batch] = rest.sent
    assert [each["value"] for each in batch["metrics"]] == ["NaN", "-Infinity", 1.5]
    assert [each.get("model_id") for each in batch["metrics"]] == [None, None, "m-1"]
