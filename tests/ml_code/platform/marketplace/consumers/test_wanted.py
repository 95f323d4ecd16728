"""Which version a workspace gets: the approved one, and nothing that nobody approved."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_code.platform.errors import ConfigurationError, StepError
from ml_code.platform.marketplace.consumers.wanted import NotApproved, Wanted, choose, read_wanted
from ml_code.platform.marketplace.governance.approvals import Approval
from ml_code.platform.marketplace.governance.index import Index, IndexedModel, IndexedVersion

DAY = datetime.date(2026, 11, 21)


def approval(**more: Any) -> Approval:
    given: dict[str, Any] = {
        "model": "east__line",
        "principals": ("nurses",),
        "workspaces": ("west",),
        "until": DAY,
        "approved_by": "board@example.com",
        "reason": "validated by the board",
        **more,
    }
    return Approval(**given)


def index(*approvals: Approval, champion: int = 2, versions: int = 3) -> Index:
    found = tuple(
        IndexedVersion(number, "east", "line", number, "p", "s", ("champion",) if number == champion else ())
        for number in range(1, versions + 1)
    )
    return Index("", "", (IndexedModel("east__line", "hub.models.east__line", "", found, approvals),))


def chosen(index: Index, workspace: str = "west", day: datetime.date = DAY, **wanted: Any) -> int:
    return choose(index, Wanted(model="east__line", **wanted), workspace, day).version.version


def test_the_champion_is_brought_where_the_model_is_approved() -> None:
    assert chosen(index(approval())) == 2
    assert chosen(index(approval(), champion=0)) == 3


def test_an_approval_of_versions_brings_the_champion_only_if_it_is_one_of_them() -> None:
    assert chosen(index(approval(versions=(1, 2)))) == 2
    assert chosen(index(approval(versions=(1, 3)))) == 3
    assert chosen(index(approval(versions=(1,)))) == 1
    assert chosen(index(approval(versions=(1, 3))), version=1) == 1


@pytest.mark.parametrize(
    ("found", "wanted", "said"),
    [
        (index(), {}, "east__line is not approved for west"),
        (index(approval(workspaces=("north",))), {}, "east__line is not approved for west"),
        (index(approval(until=datetime.date(2026, 11, 20))), {}, "its approval for west ended on 2026-11-20"),
        (index(approval()), {"version": 1}, "west may have the champion, not version 1"),
        (index(approval(versions=(2, 3))), {"version": 1}, "west may have version 2 or 3, not version 1"),
        (index(approval(versions=(9,))), {}, "west may have version 9, not the versions that are approved"),
    ],
)
def test_what_is_not_approved_is_refused_with_what_is(found: Index, wanted: dict[str, Any], said: str) -> None:
    with pytest.raises(NotApproved, match=said):
        chosen(found, **wanted)


def test_what_the_hub_does_not_have_is_told() -> None:
    with pytest.raises(StepError, match="no model east__lime; did you mean east__line"):
        choose(index(), Wanted(model="east__lime"), "west", DAY)
    with pytest.raises(StepError, match="has no version 7 in the marketplace; it has 1, 2, 3"):
        chosen(index(approval()), version=7)


@given(
    versions=st.lists(st.integers(1, 5), max_size=3, unique=True),
    champion=st.integers(0, 5),
    wanted=st.none() | st.integers(1, 5),
    days=st.integers(-3, 3),
    workspace=st.sampled_from(["west", "north"]),
)
def test_nothing_is_ever_chosen_that_no_approval_covers(
    versions: list[int], champion: int, wanted: int | None, days: int, workspace: str
) -> None:
    found = index(approval(versions=tuple(versions)), champion=champion, versions=5)
    day = DAY + datetime.timedelta(days=days)
    allowed = set(versions) or {champion or 5}
    may = workspace == "west" and days <= 0 and (wanted is None or wanted in allowed)
    if may:
        assert chosen(found, workspace, day, version=wanted) in allowed & {wanted or champion, *allowed}
    else:
        with pytest.raises(NotApproved):
            chosen(found, workspace, day, version=wanted)


def test_the_parameter_is_read_strictly() -> None:
    text = (
        '[{"model": "a", "version": "", "name": ""}, {"model": "b", "version": 3, "name": "c", "deploy": "endpoint"}]'
    )
    first, second = read_wanted(text)
    assert (first.version, first.name, first.deploy) == (None, None, "none")
    assert (second.version, second.name, second.deploy) == (3, "c", "endpoint")
    for wrong, said in (
        ("[{", "wanted: not valid JSON"),
        ('[{"version": 1}]', r"wanted\.0\.model: missing"),
        ('[{"model": "a", "version": "latest"}]', r"wanted\.0\.version"),
        ('{"model": "a"}', "wanted: "),
    ):
        with pytest.raises((StepError, ConfigurationError), match=said):
            read_wanted(wrong)
