"""Whose steps an environment's jobs are checked against."""

import subprocess
from pathlib import Path

import pytest

from infra.constructs.steps import PATH, StepError
from infra.settings import load_settings
from stacks.manifest import read_manifest

ONE = "entry: ml_code/run.py\nsteps: {demo.%s: {module: m}}\n"


def git(clone: Path, *arguments: str) -> str:
    who = ["-c", "user.name=A", "-c", "user.email=a@b.c"]
    done = subprocess.run(["git", "-C", str(clone), *who, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(clone: Path, branch: str, text: str | None) -> None:
    """Puts a manifest (None: takes it away) on a branch, and goes back to where the clone was."""
    before = git(clone, "branch", "--show-current")
    git(clone, "checkout", "--quiet", branch)
    if text is None:
        git(clone, "rm", "--quiet", PATH)
    else:
        (clone / PATH).write_text(text)
        git(clone, "add", ".")
    git(clone, "commit", "--quiet", "--message", "steps")
    git(clone, "checkout", "--quiet", before)


def test_a_branch_that_is_not_checked_out_brings_its_own_steps(clone: Path) -> None:
    commit(clone, "release", ONE % "old")
    assert set(read_manifest(load_settings("prod"), clone).steps) == {"demo.old"}
    assert "demo.old" not in read_manifest(load_settings("staging"), clone).steps


def test_the_checked_out_branch_counts_with_its_changes(clone: Path) -> None:
    (clone / PATH).write_text(ONE % "uncommitted")
    assert set(read_manifest(load_settings("staging"), clone).steps) == {"demo.uncommitted"}
    assert "demo.uncommitted" not in read_manifest(load_settings("prod"), clone).steps


def test_a_clone_without_the_branch_takes_the_working_tree(clone: Path) -> None:
    git(clone, "branch", "--quiet", "--delete", "--force", "release")
    (clone / PATH).write_text(ONE % "here")
    assert set(read_manifest(load_settings("prod"), clone).steps) == {"demo.here"}


def test_a_pinned_commit_brings_its_own_steps(clone: Path) -> None:
    sha = git(clone, "rev-parse", "feature/x")
    commit(clone, "feature/x", ONE % "later")
    variables = {"BRANCH": "feature/x"}
    later = load_settings("dev", repository=clone, variables=variables)
    pinned = load_settings("dev", repository=clone, variables={**variables, "COMMIT": sha})
    assert set(read_manifest(later, clone).steps) == {"demo.later"}
    assert "hrob.train" in read_manifest(pinned, clone).steps


def test_a_branch_without_manifest_is_named(clone: Path) -> None:
    commit(clone, "release", None)
    with pytest.raises(StepError, match=r"ml_code/steps.yaml \(branch release\): is missing"):
        read_manifest(load_settings("prod"), clone)
