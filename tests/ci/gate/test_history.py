"""What git says of a commit, a change and an exception."""

from __future__ import annotations

from pathlib import Path

import pytest

from ci.errors import Trouble
from ci.gate.history import declarations, find_base, position, writers
from ci.repository import git
from tests.ci.gate.conftest import Repository

FILE = Path("notes.txt")


def test_a_commit_is_on_a_branch_before_or_at_its_tip(repository: Repository) -> None:
    later = repository.commit("Later")
    path = repository.path
    assert position(path, repository.base, "main").contains
    assert not position(path, repository.base, "main").is_tip
    assert position(path, later, "main").is_tip
    assert not position(path, later, "release").contains
    assert not position(path, later, "nowhere").exists


def test_a_branch_of_origin_counts_where_the_clone_has_none(repository: Repository, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(repository.path), str(clone))
    assert position(clone, repository.base, "release").is_tip


def start(repository: Repository, environment: str, given: str | None = None) -> str | None:
    branch = {"staging": "main", "prod": "release"}[environment]
    return find_base(repository.path, environment, branch, git(repository.path, "rev-parse", "HEAD"), given)


def test_a_change_is_what_the_environments_branch_does_not_have(repository: Repository) -> None:
    path = repository.path
    merged = repository.commit("Merged, not yet released")
    git(path, "checkout", "--quiet", "-b", "feature/x")
    repository.commit("One")
    repository.commit("Two")
    git(path, "checkout", "--quiet", "main")
    repository.commit("Meanwhile")
    git(path, "checkout", "--quiet", "feature/x")
    assert start(repository, "staging") == merged
    assert start(repository, "prod") == repository.base
    assert start(repository, "prod", given=merged) == repository.base


def test_on_its_branch_a_change_begins_at_the_given_base_or_the_first_parent(repository: Repository) -> None:
    path = repository.path
    git(path, "checkout", "--quiet", "-b", "feature/x")
    repository.commit("One\n\nDestroys: prod databricks_volume.landing")
    git(path, "checkout", "--quiet", "main")
    before = repository.commit("Meanwhile")
    git(path, "-c", "user.email=a@b.c", "-c", "user.name=A", "merge", "--quiet", "--no-ff", "feature/x", "-m", "Merge")
    merge = git(path, "rev-parse", "HEAD")
    assert start(repository, "staging") == before
    assert start(repository, "staging", given="main~2") == git(path, "rev-parse", "main~2")
    assert [each.address for each in declarations(path, before, merge)[0]] == ["databricks_volume.landing"]


def test_a_release_begins_at_the_one_before(repository: Repository) -> None:
    path = repository.path
    git(path, "tag", "v1.0.0", repository.base)
    repository.commit("One")
    repository.commit("Two")
    git(path, "branch", "--force", "release", "main")
    git(path, "tag", "v1.1.0", "main")
    git(path, "tag", "nightly", "main~1")
    assert start(repository, "prod") == repository.base
    assert start(repository, "staging") == git(path, "rev-parse", "main~1")


def test_the_first_commit_of_all_has_no_base_and_declares(repository: Repository) -> None:
    assert start(repository, "prod") is None
    assert declarations(repository.path, None, repository.base) == ([], [])


def test_a_base_that_is_not_here_is_named(repository: Repository) -> None:
    with pytest.raises(Trouble, match="base feature/gone is no commit of this clone"):
        start(repository, "prod", given="feature/gone")


def test_a_branch_of_another_history_is_told(repository: Repository) -> None:
    git(repository.path, "checkout", "--quiet", "--orphan", "elsewhere")
    repository.commit("Another history")
    with pytest.raises(Trouble, match="and release have no commit in common here"):
        start(repository, "prod")


@pytest.mark.parametrize(
    "line",
    [
        "Destroys: prod",
        "Destroys: databricks_volume.landing",
        "Destroys: prod databricks_volume.*",
        "Destroys: prod databricks_volume.landing, databricks_schema.schema",
        "Destroys: * databricks_volume.landing",
        'Destroys: prod databricks_volume.landing["*"]',
        "Destroys:",
    ],
)
def test_a_declaration_names_one_object_exactly(repository: Repository, line: str) -> None:
    commit = repository.commit(f"A change\n\n{line}\n")
    declared, misdeclared = declarations(repository.path, repository.base, commit)
    assert (declared, misdeclared) == ([], [(line, commit)])


def test_declarations_stand_in_lines_of_their_own(repository: Repository) -> None:
    commit = repository.commit(
        "A change\n\nIt says Destroys: prod databricks_volume.x in the middle.\n\n"
        "Destroys: prod databricks_volume.landing\n"
        'Destroys: staging databricks_schema.s["a"]\n'
        "Co-authored-by: Jane <jane@example.com>\n"
    )
    declared, misdeclared = declarations(repository.path, repository.base, commit)
    assert [(each.environment, each.address) for each in declared] == [
        ("prod", "databricks_volume.landing"),
        ("staging", 'databricks_schema.s["a"]'),
    ]
    assert misdeclared == []


def test_those_who_wrote_a_line_are_its_author_and_co_authors(repository: Repository) -> None:
    repository.commit("One\n\nCo-authored-by: Jane <Jane@example.com>", "one@example.com", **{"notes.txt": "1\n2\n"})
    repository.commit("Two", "two@example.com", **{"notes.txt": "1\nb\n"})
    assert writers(repository.path, FILE, 1, 1) == {"one@example.com", "jane@example.com"}
    assert writers(repository.path, FILE, 2, 2) == {"two@example.com"}


def test_an_uncommitted_line_is_whose_clone_it_is(repository: Repository) -> None:
    repository.commit("One", **{"notes.txt": "1\n"})
    git(repository.path, "config", "user.email", "here@example.com")
    (repository.path / FILE).write_text("2\n")
    assert writers(repository.path, FILE, 1, 1) == {"here@example.com"}


def test_a_shallow_clone_does_not_tell_who_wrote_a_line(repository: Repository, tmp_path: Path) -> None:
    repository.commit("One", "one@example.com", **{"notes.txt": "1\n"})
    repository.commit("Two", "two@example.com")
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{repository.path}", str(tmp_path / "shallow"))
    assert writers(tmp_path / "shallow", FILE, 1, 1) is None
