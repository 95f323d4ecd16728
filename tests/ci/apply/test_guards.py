"""What is refused before anything is applied."""

from __future__ import annotations

from pathlib import Path

import pytest

from ci.apply.guards import require_branch, require_committed
from ci.errors import Trouble
from ci.plan.model import Plan
from ci.repository import git
from infra.settings import load_settings

PROD = load_settings("prod", variables={})
STAGING = load_settings("staging", variables={})


def _checked_out(branch: str | None, commit: str = "a" * 40, *uncommitted: str) -> Plan:
    return Plan(commit=commit, branch=branch, uncommitted=uncommitted, ml_code_digest="m", stacks=())


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q", "-b", "release")
    git(tmp_path, "-c", "user.name=A", "-c", "user.email=a@example.com", "commit", "-q", "--allow-empty", "-m", "A")
    return tmp_path


def test_prod_is_deployed_from_its_branch_alone(repository: Path) -> None:
    tip = git(repository, "rev-parse", "HEAD")
    assert require_branch(_checked_out("release", tip), PROD, repository) is None
    assert require_branch(_checked_out(None, tip), PROD, repository) is None, "as CI checks out"
    for elsewhere in (_checked_out("main", tip), _checked_out(None)):
        with pytest.raises(Trouble, match="prod is deployed from release alone"):
            require_branch(elsewhere, PROD, repository)


def test_elsewhere_another_branch_is_a_warning(repository: Path) -> None:
    warning = require_branch(_checked_out("feature/x"), STAGING, repository)
    assert warning == "staging is deployed from feature/x; its jobs run main"


def test_uncommitted_files_that_are_not_deployed_do_not_matter() -> None:
    require_committed(_checked_out("main", "a" * 40, "docs/x.md", "tests/y.py"), STAGING, allowed=False)
    with pytest.raises(Trouble, match=r"not committed: ml_code/run\.py"):
        require_committed(_checked_out("main", "a" * 40, "ml_code/run.py"), STAGING, allowed=False)
    require_committed(_checked_out("main", "a" * 40, "ml_code/run.py"), STAGING, allowed=True)


def test_where_approval_is_demanded_nothing_uncommitted_is_allowed() -> None:
    with pytest.raises(Trouble, match=r"commit them$"):
        require_committed(_checked_out("release", "a" * 40, "cdktf.json"), PROD, allowed=True)
