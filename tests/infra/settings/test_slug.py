"""Names of a feature branch's copy."""

import re

from hypothesis import given
from hypothesis import strategies as st

from infra.settings.slug import LONGEST, branch_slug

BRANCHES = st.one_of(
    st.text(min_size=1, max_size=80),
    st.from_regex(r"[a-zA-Z0-9_./-]{1,60}", fullmatch=True),
    st.from_regex(r"feature/[a-z0-9-]{1,50}", fullmatch=True),
)


def test_the_usual_branch_keeps_its_words() -> None:
    assert branch_slug("feature/x") == "feature-x"
    assert branch_slug("feature/risk-bands") == "feature-risk-bands"


def test_branches_that_look_alike_get_different_slugs() -> None:
    alike = ["feature/a-b", "feature-a-b", "feature/a/b", "feature/a_b", "Feature/a-b", "feature-a/b", "feature/a.b"]
    assert len({branch_slug(branch) for branch in alike}) == len(alike)


def test_a_branch_cannot_take_the_hashed_name_of_another() -> None:
    hashed = branch_slug("Feature/x")
    assert branch_slug(hashed.replace("-", "/", 1)) != hashed


@given(BRANCHES)
def test_a_slug_is_short_and_plain(branch: str) -> None:
    slug = branch_slug(branch)
    assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", slug)
    assert len(slug) <= LONGEST


@given(BRANCHES, BRANCHES)
def test_two_branches_never_share_a_slug(one: str, other: str) -> None:
    assert (branch_slug(one) == branch_slug(other)) == (one == other)


@given(st.text("ab-/_", min_size=1, max_size=6), st.text("ab-/_", min_size=1, max_size=6))
def test_two_short_branches_never_share_a_slug(one: str, other: str) -> None:
    assert (branch_slug(one) == branch_slug(other)) == (one == other)
