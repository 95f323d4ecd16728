"""Drift in words."""

from __future__ import annotations

from ci.drift.report import DriftReport, EnvironmentDrift, Orphan
from ci.plan.model import Action, Change, FieldChange, StackPlan


def test_what_differs_is_named_and_what_could_not_be_looked_at_too() -> None:
    change = Change(
        address="databricks_job.training",
        type="databricks_job",
        action=Action.UPDATE,
        fields=(FieldChange(path="timeout_seconds", before=60, after=7200),),
    )
    stack = StackPlan(stack="dev", environment="dev", kind="project", stack_digest="d", changes=(change,))
    report = DriftReport(
        environments=(
            EnvironmentDrift(
                environment="dev", commit="c" * 40, deployment="x", stacks=(stack,),
                orphans=(Orphan(kind="job", name="dev-hrob-old (3)", reason="no state has it"),),
            ),
            EnvironmentDrift(environment="prod", problem="no answer\nfrom there"),
        )
    )  # fmt: skip
    assert report.found
    text = report.as_text()
    assert "drift 1 changed by a repair, 1 orphans" in text
    assert "timeout_seconds: 60 → 7200" in text
    assert "orphan: job dev-hrob-old (3)" in text
    assert "prod: drift unknown: no answer" in text
    assert "| prod |  | unknown: no answer |" in report.as_markdown()


def test_nothing_found_is_none() -> None:
    report = DriftReport(environments=(EnvironmentDrift(environment="dev", commit="c" * 40),))
    assert not report.found
    assert "drift none" in report.as_text()
