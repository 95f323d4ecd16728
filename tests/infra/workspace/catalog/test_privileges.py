"""The resolution of privileges against a reference that tries every rule for every privilege by itself."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.workspace.catalog.kinds import KINDS
from infra.workspace.catalog.privileges import ALL, APPLICABLE, MANAGE, Level, effective, normalise
from infra.workspace.gateway.errors import BadRequest

_NAMES = ["ann", "ben", "engineers", "account users"]
_LINES = [
    ("table", "schema", "catalog", "metastore"),
    ("volume", "schema", "catalog", "metastore"),
    ("function", "schema", "catalog", "metastore"),
    ("schema", "catalog", "metastore"),
    ("catalog", "metastore"),
    ("external_location", "metastore"),
    ("metastore",),
]
_EXTERNAL_USE = {"EXTERNAL_USE_SCHEMA", "EXTERNAL_USE_LOCATION"}


@st.composite
def lines(draw: st.DrawFn) -> list[Level]:
    return [
        Level(
            kind,
            draw(st.sampled_from([*_NAMES, "somebody else"])),
            draw(
                st.dictionaries(
                    st.sampled_from(_NAMES), st.frozensets(st.sampled_from(sorted(APPLICABLE[kind])), max_size=4)
                )
            ),
        )
        for kind in draw(st.sampled_from(_LINES))
    ]


def reference(line: Sequence[Level], names: set[str], privilege: str) -> bool:
    """One privilege, one question: is there any reason why one of `names` has it on the first of `line`?"""
    target = line[0]
    shown_inside = target.kind in ("schema", "table", "volume", "function")
    applies = privilege in APPLICABLE[target.kind] or (privilege == "BROWSE" and shown_inside)
    if not applies or privilege == ALL:
        return False
    if target.owner in names:
        return True
    for level in line:
        if level.kind == "metastore" and target.kind != "metastore":
            continue
        if privilege == MANAGE and level.owner in names:
            return True
        for name in names:
            granted = level.grants.get(name, frozenset())
            if privilege in granted:
                return True
            at_level = privilege in APPLICABLE[level.kind] or privilege == "BROWSE"
            if ALL in granted and at_level and privilege != MANAGE and privilege not in _EXTERNAL_USE:
                return True
    return False


@given(lines(), st.frozensets(st.sampled_from(_NAMES), min_size=1))
def test_effective_privileges_are_those_with_a_reason(line: list[Level], names: frozenset[str]) -> None:
    everything = set().union(*APPLICABLE.values())
    expected = {privilege for privilege in everything if reference(line, set(names), privilege)}
    assert effective(line, names) == expected


@given(lines(), st.frozensets(st.sampled_from(_NAMES), min_size=1), st.sampled_from(_NAMES))
def test_belonging_to_one_more_group_never_takes_away(line: list[Level], names: frozenset[str], more: str) -> None:
    assert effective(line, names) <= effective(line, names | {more})


@given(lines())
def test_an_admin_has_whatever_applies(line: list[Level]) -> None:
    assert effective(line, frozenset(), admin=True) >= APPLICABLE[line[0].kind] - {ALL}


def test_select_on_a_catalog_reaches_its_tables_but_not_its_volumes() -> None:
    catalog = Level("catalog", "x", {"ann": frozenset({"SELECT"})})
    schema, metastore = Level("schema", "x", {}), Level("metastore", "x", {})
    assert effective([Level("table", "x", {}), schema, catalog, metastore], {"ann"}) == {"SELECT"}
    assert effective([Level("volume", "x", {}), schema, catalog, metastore], {"ann"}) == frozenset()


def test_owning_a_schema_gives_management_of_a_table_not_its_rows() -> None:
    line = [Level("table", "x", {}), Level("schema", "ann", {}), Level("catalog", "x", {}), Level("metastore", "x", {})]
    assert effective(line, {"ann"}) == {MANAGE}


def test_normalise() -> None:
    assert normalise("use schema", KINDS["schema"], "dev.hrob") == "USE_SCHEMA"
    with pytest.raises(BadRequest, match=r"SELECT is not applicable to this entity \[dev.hrob.landing:VOLUME\]"):
        normalise("SELECT", KINDS["volume"], "dev.hrob.landing")
