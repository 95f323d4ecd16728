"""The report in its three forms."""

from __future__ import annotations

from ci.apply.parts import Part
from ci.apply.report import Report, report_as_json, report_as_markdown, report_as_text
from ci.deployments.record import HookResult
from tests.ci.deployments.records import record

HOOKS = (
    HookResult(name="land", kind="run_job", state="succeeded", reason="ml_code changed", message="run 7", run_id=7),
    HookResult(name="train", kind="run_job", state="failed", reason="ml_code changed", message="run 8: | no rows"),
)
REPORT = Report(
    deployment=record(hooks=HOOKS, champion_before="1", champion_after="2", approved_by="Boss", author="A <a@b.c>"),
    parts=(Part(name="dev", state="drifted", touched=True, why="1 changed"),),
    notes=("deployment x was interrupted; it left dev: databricks_job.a",),
)


def test_text_says_what_and_why() -> None:
    text = report_as_text(REPORT)
    assert text.startswith("dev: applied, hook train failed (")
    for said in (
        "drifted    1 changed",
        "hook land: ✓ succeeded; ml_code changed; run 7",
        "champion: 1 → 2",
        "approved by Boss; author: A <a@b.c>",
        "it left dev: databricks_job.a",
    ):
        assert said in text


def test_markdown_holds_its_tables_whatever_is_in_them() -> None:
    text = report_as_markdown(REPORT)
    assert r"| train | failed | ml_code changed; run 8: \| no rows |" in text
    assert "| dev | drifted | 1 changed |" in text
    failed = REPORT.model_copy(update={"deployment": record(state="failed", problem="``` boom", left=("dev: a",) * 30)})
    told = report_as_markdown(failed)
    assert "````\n``` boom\n````" in told
    assert "… and 20 more" in told


def test_json_is_read_back() -> None:
    assert Report.model_validate_json(report_as_json(REPORT)) == REPORT
