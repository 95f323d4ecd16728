from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ci.lineage.trail import Edge, Kind, Node, State, Tracing, Trail, facts


def node(id: str, **more: object) -> Node:
    return Node(id=id, kind=Kind.TABLE, title=id, **more)  # type: ignore[arg-type]  # Node's own fields


def has_cycle(links: set[tuple[int, int]]) -> bool:
    """Whether one can come back to where one was; by walking, not by sorting."""
    reach = set(links)
    while more := {(a, d) for a, b in reach for c, d in links if b == c} - reach:
        reach |= more
    return any(a == b for a, b in reach)


@given(st.sets(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=14))
def test_a_trail_has_no_cycles_and_its_json_says_the_same(links: set[tuple[int, int]]) -> None:
    tracing = Tracing()
    for number in range(7):
        tracing.add(node(f"table:{number}"))
    for a, b in links:
        tracing.link(f"table:{a}", f"table:{b}", "became")
    if has_cycle(links):
        with pytest.raises(ValidationError, match="cannot have come from itself"):
            tracing.trail("table:0")
        return
    trail = tracing.trail("table:0")
    told = json.loads(trail.model_dump_json())
    assert Trail.model_validate(told) == trail
    assert {(edge["source"], edge["target"]) for edge in told["edges"]} == {
        (f"table:{a}", f"table:{b}") for a, b in links
    }
    place = {id: number for number, id in enumerate(trail.in_order())}
    assert all(place[edge["source"]] < place[edge["target"]] for edge in told["edges"])


def test_every_end_of_an_edge_is_a_node() -> None:
    with pytest.raises(ValidationError, match="no node has the id 'table:b'"):
        Trail(
            subject="table:a", nodes=(node("table:a"),), edges=(Edge(source="table:a", target="table:b", relation="x"),)
        )
    with pytest.raises(ValidationError, match="two nodes have the same id"):
        Trail(subject="table:a", nodes=(node("table:a"), node("table:a")), edges=())


def test_finding_a_thing_closes_its_gap_and_later_facts_add_to_it() -> None:
    tracing = Tracing()
    tracing.add(node("table:a", state=State.GAP, reason="not seen yet"))
    tracing.add(node("table:a", facts={"rows": "3"}))
    tracing.add(node("table:a", facts={"columns": "2"}))
    tracing.add(node("table:a", state=State.GAP, reason="not seen", facts={"rows": "0"}))
    trail = tracing.trail("table:a")
    assert trail.gaps == ()
    assert trail.node("table:a").facts == {"rows": "3", "columns": "2"}


def test_the_exit_code_tells_of_gaps_but_not_of_what_need_not_be() -> None:
    tracing = Tracing()
    tracing.add(node("table:a"))
    tracing.add(node("table:none", state=State.NONE, reason="there is none"), into="table:a")
    assert tracing.trail("table:a").exit_code == 0
    tracing.gap(Kind.COMMIT, "table:a", "commit", "nobody knows", "made")
    assert tracing.trail("table:a").exit_code == 3


def test_facts_leave_out_what_says_nothing() -> None:
    assert facts([("a", None), ("b", ""), ("c", 0), ("d", "x")]) == {"c": "0", "d": "x"}
