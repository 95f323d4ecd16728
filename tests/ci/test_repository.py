from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ci.errors import Trouble
from ci.repository import bare_copy, find_commit, git, top_level, uncommitted


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    folder = tmp_path / "clone"
    subprocess.run(["git", "init", "-q", "-b", "main", str(folder)], check=True)
    git(folder, "config", "user.name", "A Scientist")
    git(folder, "config", "user.email", "scientist@example.com")
    commit(folder, "first")
    return folder


def commit(folder: Path, text: str) -> str:
    (folder / "file.txt").write_text(text)
    git(folder, "add", "file.txt")
    git(folder, "commit", "-q", "-m", text)
    return git(folder, "rev-parse", "HEAD")


def test_a_fresh_clone_has_main_only_and_head_stands_in(clone: Path, tmp_path: Path) -> None:
    tips = bare_copy(clone, tmp_path / "copy.git", ["dev", "main", "release"])
    assert [(tip.branch, tip.stands_in) for tip in tips] == [("dev", True), ("main", False), ("release", True)]
    assert git(tmp_path / "copy.git", "for-each-ref", "--format=%(refname:short)").split() == ["dev", "main", "release"]


def test_branches_of_their_own_stay_where_they_are(clone: Path, tmp_path: Path) -> None:
    released = git(clone, "rev-parse", "HEAD")
    git(clone, "branch", "release")
    commit(clone, "main moves on")
    bare_copy(clone, tmp_path / "copy.git", ["main", "release"])
    assert find_commit(tmp_path / "copy.git", "release") == released
    assert find_commit(tmp_path / "copy.git", "main") == find_commit(clone, "HEAD")


def test_origin_s_branch_stands_for_one_that_was_never_checked_out(clone: Path, tmp_path: Path) -> None:
    released = git(clone, "rev-parse", "HEAD")
    git(clone, "branch", "release")
    commit(clone, "main moves on")
    fresh = tmp_path / "fresh"
    subprocess.run(["git", "clone", "-q", str(clone), str(fresh)], check=True)
    tips = bare_copy(fresh, tmp_path / "copy.git", ["main", "release"])
    assert (tips[1].commit, tips[1].stands_in) == (released, False)


def test_the_copy_follows_a_branch_that_was_rewritten(clone: Path, tmp_path: Path) -> None:
    target = tmp_path / "copy.git"
    commit(clone, "second")
    bare_copy(clone, target, ["main"])
    git(clone, "commit", "-q", "--amend", "-m", "second, again")
    bare_copy(clone, target, ["main"])
    assert find_commit(target, "main") == find_commit(clone, "main")


def test_a_shallow_clone_can_be_copied(clone: Path, tmp_path: Path) -> None:
    commit(clone, "second")
    shallow = tmp_path / "shallow"
    subprocess.run(["git", "clone", "-q", "--depth", "1", f"file://{clone}", str(shallow)], check=True)
    bare_copy(shallow, tmp_path / "copy.git", ["main"])
    checkout = tmp_path / "checkout"
    subprocess.run(["git", "clone", "-q", "-b", "main", f"file://{tmp_path / 'copy.git'}", str(checkout)], check=True)
    assert (checkout / "file.txt").read_text() == "second"


def test_a_repository_without_commits_is_refused(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path / "empty")], check=True)
    with pytest.raises(Trouble, match="no commit yet"):
        bare_copy(tmp_path / "empty", tmp_path / "copy.git", ["main"])


def test_uncommitted_names_changed_and_new_files(clone: Path) -> None:
    assert uncommitted(clone) == []
    (clone / "file.txt").write_text("changed")
    assert uncommitted(clone) == ["file.txt"]
    (clone / "new.txt").write_text("new")
    assert sorted(uncommitted(clone)) == ["file.txt", "new.txt"]


def test_top_level_is_the_work_tree_or_the_bare_repository(clone: Path, tmp_path: Path) -> None:
    (clone / "folder").mkdir()
    bare_copy(clone, tmp_path / "copy.git", ["main"])
    assert top_level(clone / "folder") == clone
    assert top_level(tmp_path / "copy.git") == tmp_path / "copy.git"
    with pytest.raises(Trouble, match="not a git repository"):
        top_level(tmp_path)
