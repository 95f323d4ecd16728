from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ci.release.changes import MergedChange
from ci.release.notes import changelog_since, group_of, release_notes

FILES = ("ml_code/a.py", "stacks/b.py", "infra/c.yaml", "ci/d.py", "docs/e.md", "tests/f.py", "g.txt")
CHANGES = st.builds(
    MergedChange,
    commit=st.uuids().map(lambda found: found.hex),
    head=st.none(),
    title=st.from_regex(r"[A-Z][a-z ]{3,20}", fullmatch=True),
    pull_request=st.none() | st.integers(1, 999),
    author=st.just("A"),
    files=st.lists(st.sampled_from(FILES), unique=True).map(tuple),
)


@settings(max_examples=30, deadline=None)
@given(st.lists(CHANGES, max_size=12, unique_by=lambda change: change.commit))
def test_every_change_is_told_once_below_its_group_in_the_order_of_its_merge(changes: list[MergedChange]) -> None:
    told: dict[str, list[str]] = {}
    heading = ""
    for line in release_notes(changes).splitlines():
        heading = line[4:] if line.startswith("### ") else heading
        if line.startswith("- "):
            told.setdefault(heading, []).append(line)
    assert sum(map(len, told.values())) == len(changes)
    for name, lines in told.items():
        expected = [change for change in changes if group_of(change) == name]
        assert [line.startswith(f"- {change.title} (") for line, change in zip(lines, expected, strict=True)]


def test_code_that_runs_in_production_decides_the_group() -> None:
    change = MergedChange("c" * 40, None, "t", None, "A", ("docs/a.md", "ci/b.py", "ml_code/c.py"))
    assert group_of(change) == "ML code"
    assert group_of(MergedChange("c" * 40, None, "t", None, "A", ())) == "Other"


def test_the_changelog_s_new_entries_come_along() -> None:
    earlier = "# Changelog\n\n## Unreleased\n\n### Added\n\n- Old.\n\n### Fixed\n\n- Old fix.\n"
    now = earlier.replace("- Old.\n", "- Old.\n- New,\n  in two lines.\n")
    assert changelog_since(now, earlier, "v1.0.0") == ["#### Added", "- New,", "  in two lines."]
    named = "# Changelog\n\n## [1.0.0] - 2026-11-20\n\n### Removed\n\n- That.\n\n## Unreleased\n\n- Later.\n"
    assert changelog_since(named, "", "v1.0.0") == ["#### Removed", "- That."]
    assert changelog_since("", "", "v1.0.0") == []
