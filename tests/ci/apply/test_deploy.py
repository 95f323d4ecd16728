"""Deployments of one clone, each test from where the one before left it: only what changed is touched."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ci.apply import Report
from ci.errors import Trouble
from ci.plan.files import plan_text
from ci.plan.model import Plan
from tests.support.line import Line, hooks_of, parts_of, touched

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def first_plan(line: Line) -> Plan:
    """Of an empty workspace."""
    return line.plan()


@pytest.fixture(scope="module")
def first(line: Line, first_plan: Plan) -> Report:
    """The first deployment, with the approval of a plan in which the project stack could not be planned yet."""
    assert [stack.stack for stack in first_plan.problems] == ["dev"]
    return line.apply(approved=first_plan.digest("dev"), approver="Somebody Else", pull_request=12)


def test_the_first_deployment_makes_everything_and_runs_the_hooks(line: Line, first: Report) -> None:
    assert parts_of(first) == {"dev-admin": ("changed", True), "dev": ("changed", True), "ml_code": ("changed", True)}
    assert hooks_of(first) == {"land": "succeeded", "score": "succeeded"}
    names = ("landing", "training", "batch-inference", "monitoring", "quality-monitor")
    assert set(line.jobs()) == {f"dev-hrob-{name}" for name in names}
    record = line.latest()
    assert record == first.deployment
    assert (record.state, record.left, record.approved_by, record.pull_request) == ("applied", (), "Somebody Else", 12)
    assert record.author == "A Scientist <scientist@example.com>"
    assert record.champion_before is record.champion_after is None
    assert "databricks_job.landing" in touched(record.changes), "what the project stack made is among the approved"


def test_the_record_is_the_project_principals_and_groups_have_the_settings_level(line: Line, first: Report) -> None:
    principal = line.client("branchline-dev").current_user.me().user_name
    assert first.deployment.by == principal
    folder = line.client().workspace.get_status(line.records.folder)
    entries = line.client().permissions.get("directories", str(folder.object_id)).access_control_list
    levels = {
        entry.group_name or entry.service_principal_name: {
            each.permission_level.value for each in entry.all_permissions
        }
        for entry in entries
        if not entry.user_name
    }
    assert levels[principal] == {"CAN_MANAGE"}
    # In dev scientists develop, so they may edit what is there. Where they view or run, they read.
    assert levels["branchline-scientists"] == {"CAN_EDIT"}


def test_the_same_again_touches_nothing(line: Line, first: Report) -> None:
    again = line.apply()
    assert "nothing to do" in " ".join(again.notes)
    assert {state for state, _ in parts_of(again).values()} == {"unchanged"}
    assert [record.id for record in line.records.all()] == [first.deployment.id]


def test_another_code_touches_no_stack_and_runs_the_hook_for_code(line: Line, first: Report) -> None:
    before = {name: job["job_id"] for name, job in line.jobs().items()}
    commit = line.commit({"ml_code/notes.txt": "another"})
    report = line.apply()
    assert parts_of(report) == {
        "dev-admin": ("unchanged", False),
        "dev": ("unchanged", False),
        "ml_code": ("changed", True),
    }
    assert hooks_of(report) == {"land": "succeeded", "score": "skipped"}
    run = line.client().jobs.get_run(report.deployment.hooks[0].run_id)
    assert run.git_source.git_snapshot.used_commit == commit
    assert {name: job["job_id"] for name, job in line.jobs().items()} == before
    assert report.deployment.digest != first.deployment.digest


def test_a_change_of_one_stack_touches_that_stack_only(line: Line, first: Report) -> None:
    line.set_timeout(61)
    report = line.apply(plan_file=_written(line, plan_text(line.plan())))
    assert parts_of(report) == {
        "dev-admin": ("unchanged", False),
        "dev": ("changed", True),
        "ml_code": ("unchanged", False),
    }
    assert hooks_of(report) == {"land": "skipped", "score": "succeeded"}
    assert not [said for said in line.said if said.startswith("dev-admin: databricks_")]
    assert {job["settings"]["timeout_seconds"] for job in line.jobs().values()} == {3660}


def test_a_change_in_the_workspace_is_no_part_of_an_approval_and_is_put_back_without(line: Line, first: Report) -> None:
    approved = _written(line, plan_text(line.plan()))
    known = len(line.records.all())
    job = line.jobs()["dev-hrob-landing"]["job_id"]
    line.workspace.call("POST", "/api/2.2/jobs/update", json={"job_id": job, "new_settings": {"timeout_seconds": 1}})
    with pytest.raises(Trouble, match=r"(?s)dev: update databricks_job\.landing is new.*Plan again"):
        line.apply(plan_file=approved)
    assert len(line.records.all()) == known
    assert line.jobs()["dev-hrob-landing"]["settings"]["timeout_seconds"] == 1

    report = line.apply()
    assert parts_of(report)["dev"] == ("drifted", True)
    assert touched(report.deployment.changes) == ["databricks_job.landing"]
    assert line.jobs()["dev-hrob-landing"]["settings"]["timeout_seconds"] == 3660


def test_a_plan_of_another_commit_or_one_tampered_with_is_refused(line: Line, first_plan: Plan, first: Report) -> None:
    line.commit({"docs/note.md": "another commit"})
    with pytest.raises(Trouble, match="an approval holds for its own commit only"):
        line.apply(plan_file=_written(line, plan_text(first_plan)))
    tampered = json.loads(plan_text(first_plan))
    tampered["plan"]["commit"] = line.clone.git("rev-parse", "HEAD")
    with pytest.raises(Trouble, match="was changed after it was written"):
        line.apply(plan_file=_written(line, json.dumps(tampered)))


def test_an_author_cannot_approve(line: Line, first: Report) -> None:
    with pytest.raises(Trouble, match="approved a change of their own"):
        line.apply(approved="0" * 64, approver="Scientist@Example.com")


def test_a_commit_that_changes_nothing_is_recorded_as_deployed(line: Line, first: Report) -> None:
    commit = line.commit({"docs/note.md": "only words"})
    report = line.apply()
    assert {state for state, _ in parts_of(report).values()} == {"unchanged"}
    assert set(hooks_of(report).values()) == {"skipped"}
    assert line.latest().commit == commit


def test_a_hook_for_a_job_that_there_is_not_is_refused_and_so_is_what_is_not_committed(line: Line) -> None:
    file = line.root / "infra/settings/dev.yaml"
    before = file.read_text()
    file.write_text(before.replace("run_job: landing", "run_job: lending"))
    try:
        with pytest.raises(Trouble, match=r"not committed: infra/settings/dev\.yaml"):
            line.apply()
        with pytest.raises(Trouble, match="no job dev-hrob-lending; it has dev-hrob-batch-inference"):
            line.apply(allow_uncommitted=True)
    finally:
        file.write_text(before)


def test_a_hook_that_fails_leaves_the_deployment_applied_and_is_run_again(line: Line, first: Report) -> None:
    line.sick.touch()
    line.commit({"ml_code/notes.txt": "a third"})
    written = line.root.parent / "report.json"
    status, printed = line.cli("apply", "dev", "--yes", "--json", str(written))
    assert status == 4, printed
    report = Report.model_validate_json(written.read_text())
    assert hooks_of(report) == {"land": "failed", "score": "skipped"}
    assert report.deployment.state == "applied"
    assert "task land" in report.deployment.hooks[0].message

    line.sick.unlink()
    again = line.apply()
    assert again.deployment.id == report.deployment.id
    assert "hooks of" in again.notes[0]
    assert hooks_of(again) == {"land": "succeeded", "score": "skipped"}


def _written(line: Line, text: str) -> Path:
    path = line.root.parent / "approved.json"
    path.write_text(text)
    return path
