"""Tolerances, and what is there on one side only."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ci.jobtests.compare import Values, compare
from ci.jobtests.spec import JobTest, Result

TEST = JobTest(
    description="d",
    environment="dev",
    jobs=("training",),
    results={
        "exact": Result(query="SELECT 1"),
        "near": Result(query="SELECT 1", absolute=0.5),
        "share": Result(query="SELECT 1", relative=0.1),
    },
)


def passed(before: Values, now: Values) -> dict[str, bool]:
    return {each.name: each.passed for each in compare(TEST, before, now)}


def test_each_result_has_its_own_tolerance() -> None:
    assert passed({"exact.n": 1, "near.n": 1.0, "share.n": 100}, {"exact.n": 1, "near.n": 1.5, "share.n": 110}) == {
        "exact.n": True, "near.n": True, "share.n": True,
    }  # fmt: skip
    assert passed({"exact.n": 1, "near.n": 1.0, "share.n": 100}, {"exact.n": 2, "near.n": 1.6, "share.n": 111}) == {
        "exact.n": False, "near.n": False, "share.n": False,
    }  # fmt: skip


def test_a_value_that_is_new_or_gone_differs_and_is_told() -> None:
    new, gone = compare(TEST, {"near.old": 1}, {"near.fresh": 1})
    assert (new.passed, new.in_words()) == (False, "near.fresh: new, 1")
    assert (gone.passed, gone.in_words()) == (False, "near.old: 1 → gone")


def test_kinds_do_not_mix() -> None:
    assert passed({"near.n": 1}, {"near.n": "1"}) == {"near.n": False}
    assert passed({"near.n": True}, {"near.n": 1}) == {"near.n": False}
    assert passed({"near.n": None}, {"near.n": 0}) == {"near.n": False}
    assert passed({"near.n": float("nan")}, {"near.n": float("nan")}) == {"near.n": True}
    assert passed({"near.n": float("nan")}, {"near.n": 1.0}) == {"near.n": False}


values = st.dictionaries(
    st.sampled_from(["exact.a", "near.a", "share.a", "other.a"]),
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=3),
)


@given(values)
def test_results_pass_against_themselves(found: Values) -> None:
    assert all(passed(found, found).values())
