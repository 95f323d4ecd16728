"""The verdict on stacks and plans of a real repository."""

from __future__ import annotations

import pytest

from ci.errors import Trouble
from ci.gate import GateReport, Purpose
from ci.plan.model import Action
from ci.repository import git
from tests.ci.gate.conftest import Repository, lost, rules
from tests.infra.policies.samples import HEALTHY, job, of

MODEL = "databricks_registered_model.model"


def test_a_sound_commit_of_release_may_be_applied(repository: Repository) -> None:
    report = repository.judge(purpose=Purpose.APPLY)
    assert (report.passed, report.findings) == (True, ())
    assert report.plan_digests == {"prod": repository.plan().digest("prod")}
    assert (report.resources, report.stacks) == (1, ("prod",))


def test_a_report_reads_back_as_it_was_written_and_judges_for_itself(repository: Repository) -> None:
    repository.synthesize(job(run_as=None))
    report = repository.judge()
    written = report.model_dump_json()
    assert GateReport.model_validate_json(written) == report
    assert not GateReport.model_validate_json(written.replace('"passed":false', '"passed":true')).passed


def test_a_check_that_fails_refuses_and_points_to_the_source(repository: Repository) -> None:
    repository.synthesize(job("", stack="staging"))
    report = repository.judge()
    assert "BRL_DBX_13" in rules(report)
    finding = next(finding for finding in report.findings if finding.rule == "BRL_DBX_13")
    assert finding.object == "staging/databricks_job.it"
    settings = (repository.path / finding.place.file).read_text().splitlines()
    assert settings[finding.place.line - 1].startswith("schedules: paused")


def test_prod_may_be_reviewed_from_anywhere_and_applied_from_release_alone(repository: Repository) -> None:
    git(repository.path, "checkout", "--quiet", "-b", "feature/x")
    repository.commit("A change")
    review, apply = repository.judge(), repository.judge(purpose=Purpose.APPLY)
    assert (review.passed, [finding.rule for finding in review.warnings]) == (True, ["BRL_PLAN_5"])
    assert rules(apply) == ["BRL_PLAN_5"]


def test_uncommitted_files_are_told_to_a_review_and_stop_an_apply(repository: Repository) -> None:
    plan = repository.plan()
    (repository.path / "stacks" / "jobs.py").write_text("# after the plan\n")
    assert [finding.rule for finding in repository.judge(plan).warnings] == ["BRL_PLAN_6"]
    report = repository.judge(plan, Purpose.APPLY)
    assert rules(report) == ["BRL_PLAN_6"]
    assert report.refusals[0].place.file == "stacks/jobs.py"


@pytest.mark.parametrize("action", [Action.DESTROY, Action.REPLACE])
def test_a_loss_is_refused_unless_a_commit_of_the_change_names_it(repository: Repository, action: Action) -> None:
    plan = repository.plan({"prod": (lost(MODEL, action),)})
    refused = repository.judge(plan)
    assert rules(refused) == ["BRL_PLAN_2"]
    assert refused.refusals[0].object == f"prod/{MODEL}"
    repository.commit(f"Retire the model\n\nNobody uses it.\n\nDestroys: prod {MODEL}\n")
    report = repository.judge(repository.plan({"prod": (lost(MODEL, action),)}))
    assert rules(report) == []
    assert [loss.address for loss in report.declared_losses] == [MODEL]


def test_what_was_declared_before_the_change_began_does_not_count(repository: Repository) -> None:
    old = repository.commit(f"Retire the model\n\nDestroys: prod {MODEL}\n")
    repository.commit("Something else")
    plan = repository.plan({"prod": (lost(MODEL),)})
    assert rules(repository.judge(plan)) == [], "release has neither commit: both are the change"
    git(repository.path, "branch", "--force", "release", "main")
    assert rules(repository.judge(plan)) == ["BRL_PLAN_2"]
    assert rules(repository.judge(plan, base=f"{old}^")) == []


def test_a_loss_that_was_merged_and_not_yet_released_stops_no_later_pull_request(repository: Repository) -> None:
    repository.commit(f"Retire the model\n\nDestroys: prod {MODEL}\n")
    git(repository.path, "checkout", "--quiet", "-b", "feature/x")
    repository.commit("Something else")
    report = repository.judge(repository.plan({"prod": (lost(MODEL),)}), base="main")
    assert report.passed
    assert report.bases == {"prod": repository.base}


def test_a_wildcard_declares_nothing(repository: Repository) -> None:
    repository.commit("Retire all\n\nDestroys: prod databricks_registered_model.*\n")
    report = repository.judge(repository.plan({"prod": (lost(MODEL),)}))
    assert rules(report) == ["BRL_PLAN_2"]
    assert [finding.rule for finding in report.warnings] == ["BRL_PLAN_3", "BRL_PLAN_5"]


def test_a_stack_that_could_not_be_planned_refuses(repository: Repository) -> None:
    plan = repository.plan()
    failed = plan.model_copy(update={"stacks": (plan.stacks[0].model_copy(update={"problem": "no workspace"}),)})
    assert rules(repository.judge(failed)) == ["BRL_PLAN_1"]


def test_a_plan_of_another_commit_is_not_judged(repository: Repository) -> None:
    plan = repository.plan()
    repository.commit("Later")
    with pytest.raises(Trouble, match="the plan is of commit"):
        repository.judge(plan)


def test_stacks_that_are_not_the_planned_ones_are_not_judged(repository: Repository) -> None:
    plan = repository.plan()
    repository.synthesize(job(timeout_seconds=60))
    with pytest.raises(Trouble, match=r"not those that were planned \(prod\)"):
        repository.judge(plan)


def test_an_empty_plan_is_not_judged(repository: Repository) -> None:
    with pytest.raises(Trouble, match="no stack"):
        repository.judge(repository.plan().model_copy(update={"stacks": ()}))


def test_a_plan_of_an_unknown_environment_is_not_judged(repository: Repository) -> None:
    repository.synthesize(of("databricks_volume", stack="sandbox", name="x"))
    with pytest.raises(Trouble, match="infra/settings has no such environment"):
        repository.judge()


def test_checks_that_come_with_checkov_judge_other_providers(repository: Repository) -> None:
    repository.synthesize(HEALTHY, of("azurerm_storage_account", name="x"))
    report = repository.judge()
    assert any(rule.startswith("CKV_AZURE_") for rule in rules(report))
    assert {finding.rule for finding in report.findings} <= {policy.id for policy in report.policies}


def test_a_setting_that_is_wrong_is_told_as_one(repository: Repository) -> None:
    from infra.settings import SettingsError

    file = repository.path / "infra/settings/prod.yaml"
    file.write_text(file.read_text().replace("schedules: active", "schedules: sometimes"))
    with pytest.raises(SettingsError, match="schedules"):
        repository.judge()
