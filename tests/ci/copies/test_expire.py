"""When a copy is past its time."""

from __future__ import annotations

import subprocess
from datetime import date, timedelta
from pathlib import Path

import pytest

from ci.copies import expire
from ci.copies.expire import expires, find_expired
from ci.copies.find import Copy
from ci.copies.which import last_day_of_work
from infra.settings.copies import copied_environment

HOME = copied_environment()
TODAY = date(2026, 11, 20)


def copy(branch: str = "feature/x", days: int = 0) -> Copy:
    return Copy(branch, TODAY + timedelta(days=days), "somebody")


def test_the_last_day_still_counts() -> None:
    assert [each.reason for each in find_expired([copy(days=-1)], HOME, TODAY)] == ["expired on 2026-11-19"]
    assert find_expired([copy(days=0)], HOME, TODAY) == []


def test_a_branch_that_is_gone_ends_its_copy_only_where_it_was_asked_for() -> None:
    there, gone = copy("feature/there", 5), copy("feature/gone", 5)
    assert find_expired([there, gone], HOME, TODAY) == []
    (found,) = find_expired([there, gone], HOME, TODAY, {"main", "feature/there"})
    assert (found.copy, found.reason) == (gone, "its branch is gone from origin")


def test_work_on_the_branch_moves_the_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy runs its branch without being deployed again, so its tag may be older than the work in it."""

    def git(*arguments: str) -> None:
        who = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
        subprocess.run(["git", "-C", str(tmp_path), *who, *arguments], check=True, capture_output=True)

    git("init", "--quiet", "--initial-branch", "feature/x")
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2026-11-18T12:00:00Z")
    git("commit", "--quiet", "--allow-empty", "--message", "work")
    monkeypatch.setattr(expire, "last_day_of_work", lambda branch: last_day_of_work(branch, tmp_path))
    day = HOME.values.copies.expire_after_days
    assert expires(copy(days=-10), HOME) == date(2026, 11, 18) + timedelta(days=day)
    assert find_expired([copy(days=-10)], HOME, TODAY) == []
    assert expires(copy(days=100), HOME) == TODAY + timedelta(days=100)
    assert expires(copy("feature/unknown", -10), HOME) == TODAY - timedelta(days=10)
