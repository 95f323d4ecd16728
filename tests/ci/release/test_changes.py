from __future__ import annotations

from ci.release.changes import merged_changes
from tests.ci.release.repo import Project

TOLD = {
    "Merged PR 12: Faster training\n\nWhy and how.": (12, "Faster training"),
    "Retry jobs (#13)": (13, "Retry jobs"),
    "Merged in feature/x (pull request #14)\n\nMore features": (14, "More features"),
    "Merge pull request #15 from team/feature/y": (15, "team/feature/y"),
    "Merge branch 'z' into 'main'\n\nA new column\n\nSee merge request team/project!16": (16, "A new column"),
    "By hand": (None, "By hand"),
}


def test_pull_requests_are_read_as_hosts_word_them(project: Project) -> None:
    base = project.merge_pull_request(1, "Before", {"a.txt": "0"})
    for at, message in enumerate(TOLD):
        project.commit({"a.txt": f"{at + 1}", "ml_code/é.py": f"{at}"}, message)
    merged = project.merge_pull_request(17, "At last", {"b.txt": "b"})
    changes = merged_changes(project.path, base, merged)
    assert [(change.pull_request, change.title) for change in changes] == [*TOLD.values(), (17, "At last")]
    assert changes[0].files == ("a.txt", "ml_code/é.py")
    assert changes[0].head is None
    assert changes[-1].files == ("b.txt",), "what the merge brought, against what main was"
    assert changes[-1].head is not None
