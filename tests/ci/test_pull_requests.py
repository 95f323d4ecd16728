"""Which pull request brought a commit."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ci.pull_requests import number_and_title, pull_request_of
from ci.repository import git


@pytest.mark.parametrize(
    ("message", "number", "title"),
    [
        ("Merge pull request #12 from team/feature\n\nFewer columns", 12, "Fewer columns"),
        ("Merged PR 34: Fewer columns", 34, "Fewer columns"),
        ("Fewer columns (#56)", 56, "Fewer columns"),
        ("Merged in feature (pull request #78)\n\nFewer columns", 78, "Fewer columns"),
        ("Merge branch 'feature'\n\nFewer columns\n\nSee merge request team/project!90", 90, "Fewer columns"),
        ("Fixes #12 at last", None, "Fixes #12 at last"),
    ],
)
def test_hosts_word_it_in_their_own_ways(message: str, number: int | None, title: str) -> None:
    subject, _, body = message.partition("\n\n")
    assert number_and_title(subject, body) == (number, title)


def test_a_commit_has_the_number_of_the_merge_that_brought_it(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", "-b", "main", str(tmp_path)], check=True)
    git(tmp_path, "config", "user.name", "A")
    git(tmp_path, "config", "user.email", "a@example.com")

    def commit(message: str) -> str:
        git(tmp_path, "commit", "-q", "--allow-empty", "-m", message)
        return git(tmp_path, "rev-parse", "HEAD")

    first = commit("first")
    git(tmp_path, "checkout", "-q", "-b", "feature")
    inside = commit("inside the branch")
    git(tmp_path, "checkout", "-q", "main")
    direct = commit("straight to main")
    git(tmp_path, "merge", "-q", "--no-ff", "-m", "Merge pull request #12 from team/feature", "feature")
    merge = git(tmp_path, "rev-parse", "HEAD")
    later = commit("later")

    found = {name: pull_request_of(tmp_path, name) for name in (first, inside, direct, merge, later)}
    assert found == {first: None, inside: 12, direct: None, merge: 12, later: None}
