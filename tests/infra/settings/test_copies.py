"""A feature branch's own copy of dev."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from infra.settings import Settings, SettingsError, load_settings


def git(clone: Path, *arguments: str, day: str = "2026-03-01") -> str:
    who = {
        "GIT_AUTHOR_NAME": "A",
        "GIT_AUTHOR_EMAIL": "a@b.c",
        "GIT_COMMITTER_NAME": "A",
        "GIT_COMMITTER_EMAIL": "a@b.c",
    }
    when = {"GIT_AUTHOR_DATE": f"{day}T12:00:00Z", "GIT_COMMITTER_DATE": f"{day}T12:00:00Z"}
    done = subprocess.run(
        ["git", "-C", str(clone), *arguments],
        env={**os.environ, **who, **when},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with dev, main, release, feature/x and feature/y; main is checked out."""
    path = tmp_path / "clone"
    path.mkdir()
    git(path, "init", "--quiet", "--initial-branch", "main")
    git(path, "commit", "--quiet", "--allow-empty", "--message", "first")
    for branch in ("dev", "release", "feature/x", "feature/y"):
        git(path, "branch", branch)
    return path


def load(clone: Path, variables: Mapping[str, str] | None = None, environment: str = "dev") -> Settings:
    return load_settings(environment, repository=clone, variables=variables or {})


def test_a_feature_branch_has_its_own_names(clone: Path) -> None:
    copy = load(clone, {"BRANCH": "feature/x"})
    assert copy.branch == "feature/x"
    assert copy.job_name("training") == "feature-x-dev-hrob-training"
    assert copy.schema_full_name == "dev.hrob_feature_x"
    assert copy.experiment_name == "/branchline/dev/feature-x-hrob"
    assert copy.volume_path == "/Volumes/dev/hrob_feature_x/landing"
    assert copy.state_key("dev") == "dev.feature-x"


def test_a_copy_shares_what_the_environment_has_once(clone: Path) -> None:
    copy, dev = load(clone, {"BRANCH": "feature/x"}), load(clone)
    assert (copy.policy_name, copy.secret_scope) == (dev.policy_name, dev.secret_scope)


def test_two_copies_and_dev_have_nothing_of_their_own_in_common(clone: Path) -> None:
    all_three = [load(clone, {"BRANCH": branch}) for branch in ("feature/x", "feature/y", "dev")]
    for own in (
        lambda s: s.schema_full_name,
        lambda s: s.model_full_name,
        lambda s: s.volume_path,
        lambda s: s.experiment_name,
        lambda s: s.job_name("training"),
        lambda s: s.state_key("dev"),
    ):
        assert len({own(settings) for settings in all_three}) == 3


def test_schedules_of_a_copy_never_fire(clone: Path, tmp_path: Path) -> None:
    folder = tmp_path / "settings"
    folder.mkdir()
    source = Path(__file__).parents[3] / "infra" / "settings"
    for file in source.glob("*.yaml"):
        text = file.read_text()
        (folder / file.name).write_text(text.replace("schedules: paused", "schedules: active"))
    of = {"folder": folder, "repository": clone}
    assert load_settings("dev", **of, variables={}).schedules_active
    assert not load_settings("dev", **of, variables={"BRANCH": "feature/x"}).schedules_active


def test_expiry_counts_from_the_last_commit_so_that_plans_repeat(clone: Path) -> None:
    assert load(clone, {"BRANCH": "feature/x"}).tags["expires"] == "2026-03-15"
    git(clone, "checkout", "--quiet", "feature/x")
    git(clone, "commit", "--quiet", "--allow-empty", "--message", "more", day="2026-04-01")
    assert load(clone, {"BRANCH": "feature/x"}).tags["expires"] == "2026-04-15"
    assert "expires" not in load(clone, {"BRANCH": "dev"}).tags


def test_the_checked_out_feature_branch_makes_a_copy_without_being_asked(clone: Path) -> None:
    assert load(clone).copy_of is None
    git(clone, "checkout", "--quiet", "feature/y")
    assert load(clone).prefix == "feature-y-"
    assert load(clone, {"BRANCH": "feature/x"}).prefix == "feature-x-"
    assert load(clone, {"BRANCH": "dev"}).copy_of is None


@pytest.mark.parametrize("branch", ["dev", "main", "release"])
def test_an_environment_branch_never_makes_a_copy(clone: Path, branch: str) -> None:
    git(clone, "checkout", "--quiet", branch)
    assert load(clone).copy_of is None
    assert load(clone, {"BRANCH": branch}).branch == "dev"


def test_staging_and_prod_do_not_follow_the_developer(clone: Path) -> None:
    assert load(clone, {"BRANCH": "feature/x"}, "staging").branch == "main"
    assert load(clone, {"BRANCH": "feature/x"}, "prod").prefix == ""


def test_a_detached_commit_makes_no_copy(clone: Path) -> None:
    git(clone, "checkout", "--quiet", "--detach", "feature/x")
    assert load(clone).copy_of is None


def test_a_branch_that_only_origin_has_is_enough(clone: Path, tmp_path: Path) -> None:
    second = tmp_path / "second"
    subprocess.run(["git", "clone", "--quiet", str(clone), str(second)], check=True)
    assert load(second, {"BRANCH": "feature/x"}).tags["expires"] == "2026-03-15"


def test_a_branch_that_does_not_exist_is_named(clone: Path) -> None:
    with pytest.raises(SettingsError, match=r"branch 'feature/typo' is neither in this clone nor at origin"):
        load(clone, {"BRANCH": "feature/typo"})


def test_a_copy_can_be_pinned_to_a_commit(clone: Path) -> None:
    sha = git(clone, "rev-parse", "feature/x")
    assert load(clone, {"BRANCH": "feature/x", "COMMIT": sha[:10]}).commit == sha
    with pytest.raises(SettingsError, match="commit 'abcdef' is not in this clone"):
        load(clone, {"BRANCH": "feature/x", "COMMIT": "abcdef"})


def test_an_option_is_no_branch(clone: Path) -> None:
    with pytest.raises(SettingsError, match="neither in this clone"):
        load(clone, {"BRANCH": "--output=/tmp/x"})
