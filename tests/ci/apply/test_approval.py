"""Who wrote a change, who may approve it, and which plan an approval means."""

from __future__ import annotations

from pathlib import Path

import pytest

from ci.apply.approval import authors_of, differences, find_approval, require_other_person
from ci.errors import Trouble
from ci.plan.files import plan_text
from ci.plan.model import Action, Change, Plan, StackPlan
from ci.repository import git


class Repository:
    """Commits of several people."""

    def __init__(self, path: Path) -> None:
        self.path = path
        git(path, "init", "-q", "-b", "main")
        git(path, "config", "user.name", "Robot")
        git(path, "config", "user.email", "robot@example.com")

    def commit(self, author: str, message: str = "A change") -> str:
        git(self.path, "commit", "-q", "--allow-empty", f"--author={author}", "-m", message)
        return git(self.path, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def test_everybody_since_the_last_deployment_is_an_author_co_authors_too(repository: Repository) -> None:
    repository.commit("Early <early@example.com>")
    deployed = repository.commit("Deployed <deployed@example.com>")
    repository.commit("One <one@example.com>", "Mine\n\nCo-authored-by: Two <two@example.com>")
    head = repository.commit("Three <three@example.com>")
    assert set(authors_of(repository.path, head, deployed)) == {
        "One <one@example.com>",
        "Two <two@example.com>",
        "Three <three@example.com>",
    }
    assert authors_of(repository.path, head, None) == ["Three <three@example.com>"]
    assert authors_of(repository.path, head, "0" * 40) == ["Three <three@example.com>"]


def test_the_authors_of_a_merge_are_those_of_what_it_merged(repository: Repository) -> None:
    repository.commit("Early <early@example.com>")
    git(repository.path, "checkout", "-q", "-b", "feature/x")
    repository.commit("One <one@example.com>")
    git(repository.path, "checkout", "-q", "main")
    git(repository.path, "merge", "-q", "--no-ff", "-m", "Merge pull request #1 from feature/x", "feature/x")
    authors = authors_of(repository.path, git(repository.path, "rev-parse", "HEAD"), None)
    assert "One <one@example.com>" in authors
    assert "Early <early@example.com>" not in authors


@pytest.mark.parametrize("approver", ["one@example.com", "ONE", "Somebody <One@Example.com>", "one <x@example.com>"])
def test_an_author_does_not_approve_by_name_or_mail(approver: str) -> None:
    with pytest.raises(Trouble, match="somebody else has to"):
        require_other_person(approver, ["Two <two@example.com>", "One <one@example.com>"])


@pytest.mark.parametrize("approver", [None, "Three <three@example.com>", "example.com"])
def test_others_approve(approver: str | None) -> None:
    require_other_person(approver, ["Two <two@example.com>", "One <one@example.com>"])


def _plan(commit: str, *changes: Change, environment: str = "prod") -> Plan:
    stack = StackPlan(stack=environment, environment=environment, kind="project", stack_digest="d", changes=changes)
    return Plan(commit=commit, branch="release", ml_code_digest="m", stacks=(stack,))


def test_an_approval_is_found_among_the_evidence_and_refused_for_another_commit(tmp_path: Path) -> None:
    plan = _plan("a" * 40)
    kept = tmp_path / ".branchline/evidence" / plan.commit / "plan.json"
    kept.parent.mkdir(parents=True)
    kept.write_text(plan_text(plan))
    digest = plan.digest("prod")
    assert find_approval("prod", plan.commit, digest, None, tmp_path).plan == plan
    with pytest.raises(Trouble, match="is the plan of commit aaaaaaaaaaaa"):
        find_approval("prod", "b" * 40, digest, None, tmp_path)
    assert find_approval("prod", plan.commit, "0" * 64, None, tmp_path).plan is None
    assert find_approval("prod", plan.commit, None, None, tmp_path) is None


def test_an_approval_that_names_no_plan_of_the_environment_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_text(plan_text(_plan("a" * 40, environment="staging")))
    with pytest.raises(Trouble, match="is a plan of staging, not of prod"):
        find_approval("prod", "a" * 40, None, file, tmp_path)
    with pytest.raises(Trouble, match="names another plan than"):
        find_approval("staging", "a" * 40, "0" * 64, file, tmp_path)
    with pytest.raises(Trouble, match="expected the 64 characters"):
        find_approval("staging", "a" * 40, "abc", None, tmp_path)


def test_what_differs_is_named() -> None:
    made = Change(address="databricks_job.a", type="databricks_job", action=Action.CREATE)
    other = Change(address="databricks_job.b", type="databricks_job", action=Action.DESTROY)
    told = differences(_plan("a" * 40, made), _plan("a" * 40, other), "prod")
    assert "create databricks_job.a is gone" in told
    assert "destroy databricks_job.b is new" in told
