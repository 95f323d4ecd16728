"""Which commits are rehearsed: real repositories."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from ci.errors import Trouble
from ci.rehearsal.commits import CHANGE_REF, check_out, git_addresses, move_branch, prepare
from ci.repository import git

_IDENTITY = ["-c", "user.name=a", "-c", "user.email=a@example.com"]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    path = tmp_path / "clone"
    path.mkdir()
    git(path, "init", "--quiet", "-b", "main")
    commit(path, {"shared.txt": "one\n", "other.txt": "one\n"}, "The base")
    git(path, "branch", "feature")
    return path


def commit(path: Path, files: dict[str, str], message: str = "A change") -> str:
    for name, text in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(text)
    git(path, "add", "-A")
    git(path, *_IDENTITY, "commit", "--quiet", "-m", message)
    return git(path, "rev-parse", "HEAD")


def test_a_change_that_contains_its_base_is_rehearsed_as_it_is(clone: Path, tmp_path: Path) -> None:
    git(clone, "checkout", "--quiet", "feature")
    sha = commit(clone, {"other.txt": "two\n"})
    found = prepare(clone, "main", "feature", "main", tmp_path / "bare")
    assert (found.rehearsed, found.notes) == (sha, ())
    assert git(tmp_path / "bare", "rev-parse", "main") == found.base.sha
    move_branch(tmp_path / "bare", "main")
    assert git(tmp_path / "bare", "rev-parse", "main") == sha


def test_a_base_that_moved_on_is_merged_with_the_change(clone: Path, tmp_path: Path) -> None:
    git(clone, "checkout", "--quiet", "feature")
    sha = commit(clone, {"other.txt": "two\n"})
    git(clone, "checkout", "--quiet", "main")
    base = commit(clone, {"shared.txt": "two\n"})
    before = git(clone, "count-objects", "-v")
    found = prepare(clone, "main", "feature", "main", tmp_path / "bare")
    assert found.rehearsed not in (sha, base)
    assert git(tmp_path / "bare", "show", f"{found.rehearsed}:other.txt") == "two"
    assert git(tmp_path / "bare", "show", f"{found.rehearsed}:shared.txt") == "two"
    assert "not an ancestor" in found.notes[0]
    assert git(clone, "count-objects", "-v") == before, "the clone learns nothing of the merge"
    again = prepare(clone, "main", "feature", "main", tmp_path / "again")
    assert again.rehearsed == found.rehearsed


def test_a_force_pushed_base_is_told(clone: Path, tmp_path: Path) -> None:
    first = git(clone, "rev-parse", "HEAD")
    commit(clone, {"dropped.txt": "one\n"}, "Dropped from the base later")
    git(clone, "checkout", "--quiet", "-B", "feature")
    commit(clone, {"other.txt": "two\n"})
    git(clone, "checkout", "--quiet", "main")
    git(clone, "reset", "--quiet", "--hard", first)
    commit(clone, {"shared.txt": "rewritten\n"}, "Pushed with force")
    found = prepare(clone, "main", "feature", "main", tmp_path / "bare")
    assert "the change lacks 1 commit of it, and brings 2 commits" in found.notes[0]
    assert git(tmp_path / "bare", "show", f"{found.rehearsed}:dropped.txt") == "one", "the merge would bring it back"


def test_histories_without_a_common_commit_are_refused(clone: Path, tmp_path: Path) -> None:
    git(clone, "checkout", "--quiet", "--orphan", "foreign")
    commit(clone, {"shared.txt": "foreign\n"})
    with pytest.raises(Trouble, match=r"unrelated histories.*git fetch --unshallow"):
        prepare(clone, "main", "foreign", "main", tmp_path / "bare")


def test_a_conflict_is_refused_with_its_files(clone: Path, tmp_path: Path) -> None:
    git(clone, "checkout", "--quiet", "feature")
    commit(clone, {"shared.txt": "mine\n", "other.txt": "mine\n"})
    git(clone, "checkout", "--quiet", "main")
    commit(clone, {"shared.txt": "theirs\n"})
    with pytest.raises(Trouble, match="conflicts with main") as caught:
        prepare(clone, "main", "feature", "main", tmp_path / "bare")
    assert "  shared.txt\n" in str(caught.value)
    assert "other.txt" not in str(caught.value)


def test_a_base_that_was_not_fetched_is_named(clone: Path, tmp_path: Path) -> None:
    with pytest.raises(Trouble, match="git fetch origin main"):
        prepare(clone, "origin/main", "feature", "main", tmp_path / "bare")


def test_a_shallow_clone_is_rehearsed(clone: Path, tmp_path: Path) -> None:
    """As CI checks out: both tips, no history."""
    sha = commit(clone, {"other.txt": "two\n"})
    shallow = tmp_path / "shallow"
    subprocess.run(["git", "clone", "-q", "--depth", "2", f"file://{clone}", str(shallow)], check=True, env=os.environ)
    found = prepare(shallow, "HEAD~1", "HEAD", "main", tmp_path / "bare")
    assert found.rehearsed == sha


def test_a_checkout_has_the_branch_and_the_tools(clone: Path, tmp_path: Path) -> None:
    """The stacks read the steps of the branch that is checked out, so it must be that branch, at the change."""
    git(clone, "checkout", "--quiet", "feature")
    sha = commit(clone, {"other.txt": "two\n"})
    prepare(clone, "main", "feature", "main", tmp_path / "bare")
    (tmp_path / "tool").mkdir()
    check_out(tmp_path / "bare", CHANGE_REF, "main", tmp_path / "out", {".venv": tmp_path / "tool"})
    assert git(tmp_path / "out", "symbolic-ref", "--short", "HEAD") == "main"
    assert git(tmp_path / "out", "rev-parse", "HEAD") == sha
    assert (tmp_path / "out" / ".venv").resolve() == tmp_path / "tool"


def test_both_addresses_are_known_where_the_change_brings_another(clone: Path, tmp_path: Path) -> None:
    settings = "infra/settings/project.yaml"
    commit(clone, {settings: "git: {url: https://example.com/old.git}\n"})
    git(clone, "checkout", "--quiet", "-b", "moved")
    commit(clone, {settings: "git: {url: https://example.com/new.git}\n"})
    prepare(clone, "main", "moved", "main", tmp_path / "bare")
    addresses = git_addresses(tmp_path / "bare", ("main", CHANGE_REF))
    assert addresses == ["https://example.com/old.git", "https://example.com/new.git"]


def test_settings_that_cannot_be_read_name_no_address(clone: Path, tmp_path: Path) -> None:
    commit(clone, {"infra/settings/project.yaml": "git: [\n"})
    prepare(clone, "main", "main", "main", tmp_path / "bare")
    assert git_addresses(tmp_path / "bare", ("main", CHANGE_REF)) == []
