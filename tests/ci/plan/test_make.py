"""Plans of a deployed environment by real Terraform."""

from __future__ import annotations

import fcntl
import json
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from ci.errors import Trouble
from ci.plan.files import plan_text
from ci.plan.make import make_plan, plan_to_apply
from ci.plan.model import Action, Plan
from ci.terraform import runner
from ci.terraform.credentials import Credentials
from ci.terraform.errors import StateLocked
from ci.terraform.runner import PLAN_FILE, Terraform
from ci.terraform.synthesis import read_synthesis
from infra.workspace import launch
from tests.ci.conftest import Line
from tests.support.proxy import HANG_UP, proxy

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(autouse=True)
def on_the_pinned_branch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRANCH", "dev")


def planned(line: Line, **more: object) -> Plan:
    return make_plan(["dev"], root=line.root, credentials=line.credentials, **more)[0]  # type: ignore[arg-type] # make_plan's own


@contextmanager
def edited(line: Line, path: str, old: str, new: str) -> Iterator[None]:
    file = line.root / path
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    yield
    file.write_text(text)


def test_what_is_deployed_plans_empty_and_twice_the_same(line: Line) -> None:
    first, second = planned(line), planned(line)
    assert [stack.problem for stack in first.stacks] == [None, None]
    assert [stack.changes for stack in first.stacks] == [(), ()]
    assert first.digest("dev") == second.digest("dev")
    assert not list(line.root.glob(f".branchline/synth/**/{PLAN_FILE}")), "a binary plan holds secrets in the clear"


def test_a_changed_setting_is_a_change_of_its_field_and_of_the_digest(line: Line) -> None:
    before = planned(line).digest("dev")
    with edited(line, "infra/settings/dev.yaml", "timeout_minutes: 60", "timeout_minutes: 70"):
        plan = planned(line)
    assert plan.uncommitted == ("infra/settings/dev.yaml",)
    admin, project = plan.stacks
    assert admin.changes == ()
    assert {change.action for change in project.changes} == {Action.UPDATE}
    fields = {field.path: (field.before, field.after) for field in project.changes[0].fields}
    assert fields["timeout_seconds"] == (3600, 4200)
    assert plan.digest("dev") != before


def test_nothing_sensitive_is_in_a_plan(line: Line) -> None:
    plan, synthesis = make_plan(["dev"], root=line.root, credentials=line.credentials)
    variables = line.credentials.variables("dev", "admin")
    assert variables["DATABRICKS_TOKEN"] not in plan_text(plan)
    kept = "".join(path.read_text() for path in synthesis.folder.rglob("*.json"))
    assert variables["DATABRICKS_TOKEN"] not in kept


def test_the_plan_to_apply_is_its_owners_alone(line: Line) -> None:
    stack = read_synthesis(line.root / ".branchline/synth").stacks["dev"]
    assert plan_to_apply(stack, line.credentials).problem is None
    file = stack.folder / PLAN_FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    Terraform(stack, {}).forget_plan()
    assert not file.exists()


@pytest.mark.parametrize("status", [429, 500, HANG_UP])
def test_what_passes_by_itself_is_tried_again(line: Line, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "_FIRST_WAIT", 0.05)
    with proxy(line.workspace.url) as between:
        # More than the provider's own tries: Terraform itself must fail once.
        between.fail_next(4, status, path="/jobs/get")
        said: list[str] = []
        plan = make_plan(["dev"], root=line.root, credentials=through(line, between.url), say=said.append)[0]
    assert [stack.problem for stack in plan.stacks] == [None, None], said
    assert [stack.changes for stack in plan.stacks] == [(), ()]


def test_a_workspace_that_stays_away_ends_clearly_with_the_state_whole(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "_FIRST_WAIT", 0.01)
    monkeypatch.setattr(runner, "_LONGEST_WAIT", 0.02)
    state = line.root / ".branchline/state/dev.tfstate"
    before = state.read_bytes()
    with proxy(line.workspace.url) as between:
        between.fault = lambda method, path: 503
        plan = make_plan(["dev"], kinds=["project"], root=line.root, credentials=through(line, between.url))[0]
    assert "Tried 5 times; nothing was changed" in str(plan.stacks[0].problem)
    assert state.read_bytes() == before


def test_a_plan_reads_beside_a_deployment_and_a_second_deployment_is_refused(line: Line) -> None:
    with locked(line.root / ".branchline/state/dev.tfstate"):
        assert planned(line).problems == ()
        stack = read_synthesis(line.root / ".branchline/synth").stacks["dev"]
        terraform = Terraform(stack, line.credentials.variables("dev", "project"))
        with pytest.raises(StateLocked, match="is locked by somebody@elsewhere") as caught:
            terraform.plan(lock=True)
    assert "force-unlock 8d7a" in str(caught.value)
    assert "since 2026-11-20" in str(caught.value)


def test_without_a_workspace_the_way_to_one_is_told(line: Line, tmp_path: Path) -> None:
    nobody = Credentials(data_dir=tmp_path / "none", environment={})
    with pytest.raises(Trouble, match="branchline workspace up"):
        make_plan(["dev"], root=line.root, credentials=nobody)


def test_before_its_admin_stack_a_project_cannot_be_planned(line: Line) -> None:
    plan = make_plan(["staging"], root=line.root, credentials=line.credentials)[0]
    admin, project = plan.stacks
    assert {change.action for change in admin.changes} == {Action.CREATE}
    assert "deploy its admin stack first" in str(project.problem)


def test_stacks_that_do_not_synthesize_are_told_in_their_own_words(line: Line) -> None:
    with (
        edited(line, "infra/settings/dev.yaml", "timeout_minutes: 60", "timeout_minutes: soon"),
        pytest.raises(Trouble, match="timeout_minutes"),
    ):
        planned(line)


def through(line: Line, url: str) -> Credentials:
    """The first admin's way to the workspace, by another address."""
    variables = {**launch.environment(line.workspace), "DATABRICKS_HOST": url, "TF_VAR_databricks_host": url}
    return replace(line.credentials, environment=variables)


@contextmanager
def locked(state: Path) -> Iterator[None]:
    """The state's lock as Terraform's local backend holds it, by another process: this one."""
    info = state.with_name(f".{state.name}.lock.info")
    known = {
        "ID": "8d7a0000-0000-0000-0000-000000000001", "Operation": "OperationTypeApply", "Info": "",
        "Who": "somebody@elsewhere", "Version": "1.11.4", "Created": "2026-11-20T11:00:00Z", "Path": str(state),
    }  # fmt: skip
    with state.open("r+b") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        info.write_text(json.dumps(known))
        yield
    info.unlink(missing_ok=True)
