"""What becomes of a task once those it depends on have ended."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.workspace.gateway.errors import BadRequest
from infra.workspace.jobs.graph import CANCELED, FAILED, Verdict, check_graph, downstream, leaves, verdict


def needs(*keys: str, run_if: str = "ALL_SUCCESS") -> dict[str, object]:
    return {"task_key": "t", "depends_on": [{"task_key": key} for key in keys], "run_if": run_if}


@pytest.mark.parametrize(
    ("run_if", "states", "expected"),
    [
        ("ALL_SUCCESS", ["SUCCESS", "SUCCESS"], "RUN"),
        ("ALL_SUCCESS", ["SUCCESS", "FAILED"], "UPSTREAM_FAILED"),
        ("ALL_SUCCESS", ["SUCCESS", "TIMEDOUT"], "UPSTREAM_FAILED"),
        ("ALL_SUCCESS", ["SUCCESS", "CANCELED"], "UPSTREAM_CANCELED"),
        ("ALL_SUCCESS", ["SUCCESS", "EXCLUDED"], "EXCLUDED"),
        ("AT_LEAST_ONE_SUCCESS", ["SUCCESS", "FAILED"], "RUN"),
        ("AT_LEAST_ONE_SUCCESS", ["EXCLUDED", "FAILED"], "UPSTREAM_FAILED"),
        ("NONE_FAILED", ["SUCCESS", "EXCLUDED"], "RUN"),
        ("NONE_FAILED", ["EXCLUDED"], "EXCLUDED"),
        ("NONE_FAILED", ["SUCCESS", "UPSTREAM_FAILED"], "UPSTREAM_FAILED"),
        ("ALL_DONE", ["FAILED", "EXCLUDED"], "RUN"),
        ("ALL_DONE", ["EXCLUDED"], "EXCLUDED"),
        ("AT_LEAST_ONE_FAILED", ["SUCCESS", "FAILED"], "RUN"),
        ("AT_LEAST_ONE_FAILED", ["SUCCESS"], "EXCLUDED"),
        ("ALL_FAILED", ["FAILED", "SUCCESS"], "EXCLUDED"),
        ("ALL_FAILED", ["FAILED", "UPSTREAM_FAILED"], "RUN"),
    ],
)
def test_run_if(run_if: str, states: list[str], expected: str) -> None:
    keys = [f"k{position}" for position in range(len(states))]
    assert verdict(needs(*keys, run_if=run_if), dict(zip(keys, states, strict=True)), {}) == expected


@given(st.lists(st.sampled_from(["SUCCESS", "EXCLUDED", *FAILED, *CANCELED]), min_size=1, max_size=6))
def test_what_must_hold_whatever_ended(states: list[str]) -> None:
    keys = [f"k{position}" for position in range(len(states))]
    results = dict(zip(keys, states, strict=True))

    def decide(run_if: str) -> Verdict:
        return verdict(needs(*keys, run_if=run_if), results, {})

    if decide("ALL_SUCCESS") is Verdict.RUN:
        assert {decide(other) for other in ("AT_LEAST_ONE_SUCCESS", "NONE_FAILED", "ALL_DONE")} == {Verdict.RUN}
    assert not (decide("NONE_FAILED") is Verdict.RUN and decide("AT_LEAST_ONE_FAILED") is Verdict.RUN)
    if decide("ALL_FAILED") is Verdict.RUN:
        assert decide("AT_LEAST_ONE_SUCCESS") is not Verdict.RUN


def test_an_outcome_that_is_not_met_excludes() -> None:
    task = {"task_key": "t", "depends_on": [{"task_key": "c", "outcome": "true"}]}
    assert verdict(task, {"c": "SUCCESS"}, {"c": "false"}) is Verdict.EXCLUDED
    assert verdict(task, {"c": "SUCCESS"}, {"c": "true"}) is Verdict.RUN
    assert verdict(task, {"c": "FAILED"}, {}) is Verdict.UPSTREAM_FAILED


def tasks(**edges: tuple[str, ...]) -> list[dict[str, object]]:
    return [{"task_key": key, "depends_on": [{"task_key": other} for other in edges[key]]} for key in edges]


def test_bad_graphs_are_named() -> None:
    with pytest.raises(BadRequest, match="'a' depends on task 'x'"):
        check_graph(tasks(a=("x",)))
    with pytest.raises(BadRequest, match=r"cycle: a -> b -> a|cycle: b -> a -> b"):
        check_graph(tasks(a=("b",), b=("a",)))
    with pytest.raises(BadRequest, match="'a' is used more than once"):
        check_graph([*tasks(a=()), *tasks(a=())])


def test_leaves_and_downstream() -> None:
    graph = tasks(a=(), b=("a",), c=("b",), d=("a",))
    assert leaves(graph) == {"c", "d"}
    assert downstream(graph, {"b"}) == {"b", "c"}
