"""Plans and settled states by the plugin SDK's rules."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tf.types import Unknown

from infra.workspace.terraform.planning import Plan, settle
from infra.workspace.terraform.schemas import Attribute, Block, NestedBlock

INNER = Block({"key": Attribute("string", required=True), "size": Attribute("number", optional=True)})
BLOCK = Block(
    {
        "id": Attribute("string", optional=True, computed=True),
        "name": Attribute("string", required=True, force_new=True, suppress="case"),
        "comment": Attribute("string", optional=True),
        "owner": Attribute("string", optional=True, computed=True),
        "active": Attribute("bool", optional=True, default=True),
        "privileges": Attribute(["set", "string"], optional=True),
    },
    {"rule": NestedBlock("list", 0, 0, INNER), "mail": NestedBlock("list", 0, 1, INNER, suppress="unset")},
)


def config(**given: Any) -> dict[str, Any]:
    return {**dict.fromkeys(BLOCK.attributes), "rule": [], "mail": [], "name": "n", **given}


def plan(written: dict[str, Any], prior: dict[str, Any] | None) -> Plan:
    """As Terraform proposes: computed values that are not written stay as they were."""
    proposed = dict(written)
    for name, attribute in BLOCK.attributes.items():
        if written[name] is None and attribute.computed and prior:
            proposed[name] = prior[name]
    return Plan(BLOCK, written, prior, proposed)


def test_a_new_object_gets_defaults_and_unknowns() -> None:
    state = plan(config(), None).state
    assert state["active"] is True
    assert state["id"] is Unknown
    assert state["owner"] is Unknown
    assert state["comment"] is None


def test_an_argument_taken_away_is_a_change_but_a_computed_one_stays() -> None:
    prior = config(id="1", comment="old", owner="anna", active=True)
    state = plan(config(), prior).state
    assert state["comment"] is None
    assert state["owner"] == "anna"
    assert state["id"] == "1"


def test_only_a_real_difference_forces_replacement() -> None:
    prior = config(id="1", name="Risk", active=True)
    assert plan(config(name="RISK"), prior).replace == []
    assert plan(config(name="RISK"), prior).state["name"] == "Risk"
    assert plan(config(name="other"), prior).replace == [["name"]]


def test_a_zero_equals_an_argument_left_out() -> None:
    prior = config(id="1", comment="", active=True, rule=[{"key": "a", "size": 0}])
    assert plan(config(rule=[{"key": "a", "size": None}]), prior).state == prior
    assert plan(config(comment="", rule=[{"key": "a", "size": 0}]), {**prior, "comment": None}).state["comment"] is None


def test_the_order_of_a_set_is_no_change() -> None:
    prior = config(id="1", active=True, privileges=["A", "B"])
    assert plan(config(privileges=["B", "A"]), prior).state["privileges"] == ["A", "B"]


def test_a_block_that_the_platform_added_stays_where_none_is_written() -> None:
    prior = config(id="1", active=True, mail=[{"key": "a", "size": 1}])
    assert plan(config(), prior).state["mail"] == prior["mail"]
    assert plan(config(), {**config(id="1", active=True), "rule": [{"key": "a", "size": 1}]}).state["rule"] == []


values = st.one_of(st.none(), st.text(max_size=3))
elements = st.lists(
    st.fixed_dictionaries({"key": st.text(max_size=3), "size": st.one_of(st.none(), st.integers(0, 3))}), max_size=3
)
written_configs = st.builds(
    config,
    comment=values,
    owner=values,
    active=st.one_of(st.none(), st.booleans()),
    privileges=st.one_of(st.none(), st.lists(st.sampled_from("ABC"), unique=True)),
    rule=elements,
)


@given(written_configs)
def test_what_was_applied_plans_to_itself(written: dict[str, Any]) -> None:
    """Create, read back exactly that, plan again: nothing changes and nothing is replaced."""
    created = plan(written, None).state
    applied = {name: None if value is Unknown else value for name, value in created.items()}
    state = settle(BLOCK, {**applied, "id": "1"}, {**applied, "id": "1"})
    again = plan(written, state)
    assert again.state == state
    assert again.replace == []


@given(written_configs, written_configs)
def test_settling_is_stable(known: dict[str, Any], answered: dict[str, Any]) -> None:
    once = settle(BLOCK, known, answered)
    assert settle(BLOCK, once, answered) == once


def test_drift_shows() -> None:
    known = config(id="1", comment="mine", active=True)
    assert settle(BLOCK, known, {"comment": "theirs"})["comment"] == "theirs"
    assert settle(BLOCK, known, {"comment": None})["comment"] is None
    assert settle(BLOCK, known, {})["comment"] == "mine"
