"""Exceptions: what holds, and what is wrong with those that do not."""

from __future__ import annotations

import pytest

from ci.gate import GateReport
from tests.ci.gate.conftest import Repository, lost, rules
from tests.infra.policies.samples import job, of

ENTRY = {
    "rule": "BRL_DBX_8",
    "resource": "prod/databricks_job.it",
    "reason": "two regions are scored side by side until the merger",
    "approver": "owner@example.com",
    "until": "2026-12-31",
}
BROKEN = job(max_concurrent_runs=2)


def judged(repository: Repository, **changes: str) -> GateReport:
    repository.synthesize(BROKEN)
    repository.except_(**{key: value for key, value in {**ENTRY, **changes}.items() if value})
    return repository.judge()


def test_a_valid_exception_lets_its_object_pass_and_is_listed(repository: Repository) -> None:
    report = judged(repository)
    assert rules(report) == []
    [used] = report.exceptions_used
    assert (used.finding.rule, used.finding.object, used.approver) == (
        "BRL_DBX_8",
        "prod/databricks_job.it",
        "owner@example.com",
    )


@pytest.mark.parametrize(
    ("changes", "rule", "says"),
    [
        ({"until": "2026-11-20"}, "BRL_EXC_2", "ended on 2026-11-20"),
        ({"until": "2028-01-01"}, "BRL_EXC_1", "more than a year ahead"),
        ({"rule": "BRL_DBX_99"}, "BRL_EXC_1", "there is no rule BRL_DBX_99"),
        ({"approver": "Author@example.com"}, "BRL_EXC_1", "wrote the entry and cannot approve it"),
        ({"approver": ""}, "BRL_EXC_1", "exceptions.0.approver: missing"),
        ({"approver": "somebody"}, "BRL_EXC_1", "exceptions.0.approver: expected"),
        ({"until": ""}, "BRL_EXC_1", "exceptions.0.until: missing"),
        ({"reason": "because"}, "BRL_EXC_1", "exceptions.0.reason: expected"),
        ({"resource": "prod/databricks_job.*"}, "BRL_EXC_1", "exceptions.0.resource: expected"),
        ({"resource": "databricks_job.it"}, "BRL_EXC_1", "exceptions.0.resource: expected"),
        ({"owner": "x"}, "BRL_EXC_1", "unknown key"),
    ],
)
def test_an_exception_that_does_not_hold_refuses_and_excepts_nothing(
    repository: Repository, changes: dict[str, str], rule: str, says: str
) -> None:
    report = judged(repository, **changes)
    assert rules(report) == ["BRL_DBX_8", rule]
    wrong = report.refusals[1]
    assert says in wrong.message
    assert wrong.place.file == "infra/policies/exceptions.yaml"
    assert wrong.place.line > 1
    assert report.exceptions_used == ()


def test_an_exception_holds_on_its_last_day(repository: Repository) -> None:
    assert judged(repository, until="2026-11-21").passed


def test_an_exception_holds_for_its_own_object_and_rule_alone(repository: Repository) -> None:
    assert "BRL_DBX_8" in rules(judged(repository, resource="prod/databricks_job.other"))
    assert "BRL_DBX_8" in rules(judged(repository, rule="BRL_DBX_9"))


def test_an_unused_exception_is_a_warning_where_its_stack_was_judged(repository: Repository) -> None:
    repository.except_(**ENTRY)
    report = repository.judge()
    assert report.passed
    assert "BRL_EXC_3" in [finding.rule for finding in report.warnings]
    repository.synthesize(of("databricks_volume", stack="staging", name="x"))
    assert "BRL_EXC_3" not in [finding.rule for finding in repository.judge().findings]


def test_some_rules_have_no_exceptions(repository: Repository) -> None:
    repository.except_(**{**ENTRY, "rule": "BRL_PLAN_2", "resource": "prod/databricks_volume.landing"})
    report = repository.judge(repository.plan({"prod": (lost("databricks_volume.landing"),)}))
    assert rules(report) == ["BRL_EXC_1", "BRL_PLAN_2"]
    assert report.refusals[0].message == "BRL_PLAN_2 has no exceptions"


def test_an_approver_may_change_other_things_later(repository: Repository) -> None:
    repository.synthesize(BROKEN)
    repository.except_(**ENTRY)
    repository.commit("Another change", "owner@example.com")
    assert repository.judge().passed


def test_an_object_is_excepted_once(repository: Repository) -> None:
    lines = "\n".join(f"    {key}: {value}" for key, value in ENTRY.items()).replace("    ", "  - ", 1)
    repository.commit("Twice", **{"infra__policies__exceptions.yaml": f"exceptions:\n{lines}\n{lines}\n"})
    assert any("excepted twice" in finding.message for finding in repository.judge().refusals)


def test_a_file_that_is_no_yaml_refuses(repository: Repository) -> None:
    repository.commit("Broken", **{"infra__policies__exceptions.yaml": "exceptions: [\n"})
    assert rules(repository.judge()) == ["BRL_EXC_1"]
