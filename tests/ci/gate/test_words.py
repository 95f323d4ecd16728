"""The report for people."""

from __future__ import annotations

from ci.gate.model import Finding, Place
from ci.gate.words import as_text
from ci.markdown import LONGEST_COMMENT
from infra.policies.policy import Severity
from tests.ci.gate.conftest import Repository, lost
from tests.ci.gate.test_exceptions import BROKEN, ENTRY
from tests.infra.policies.samples import job


def test_text_says_verdict_object_place_and_what_to_do(repository: Repository) -> None:
    repository.synthesize(job(queue=None))
    text = as_text(repository.judge())
    assert "refused: 1 finding" in text.splitlines()[0]
    assert "✗ A job runs once at a time, and further runs wait (BRL_DBX_8)" in text
    assert "prod/databricks_job.it: has no queue" in text
    assert "stacks/project.py:" in text
    assert "→ Set max_concurrent_runs = 1" in text


def test_markdown_shows_refusals_and_folds_warnings(repository: Repository) -> None:
    repository.synthesize(job(queue=None))
    repository.commit("Not on release")
    text = repository.judge().to_markdown()
    assert text.startswith("## ❌ Gate refused: 1 finding, 1 warning")
    assert text.index("BRL_DBX_8") < text.index("<details><summary>1 warning</summary>") < text.index("BRL_PLAN_5")


def test_markdown_says_what_was_let_pass_and_by_whom(repository: Repository) -> None:
    repository.synthesize(BROKEN)
    repository.except_(**ENTRY)
    commit = repository.commit("Retire it\n\nDestroys: prod databricks_volume.landing\n")
    text = repository.judge(repository.plan({"prod": (lost("databricks_volume.landing"),)})).to_markdown()
    assert text.startswith("## ✅ Gate passed")
    assert f"prod loses databricks_volume.landing: commit {commit[:8]} says so by name" in text
    assert "two regions are scored side by side until the merger (approved by owner@example.com, until" in text


def test_what_objects_are_called_cannot_break_out_of_the_table(repository: Repository) -> None:
    repository.synthesize(job(git_source={"url": "https://x/<b>|\n# `a`", "branch": "release"}))
    row = next(line for line in repository.judge().to_markdown().splitlines() if "BRL_DBX_2" in line)
    assert r"&lt;b&gt;\| # \`a\`" in row


def test_markdown_fits_into_a_comment(repository: Repository) -> None:
    report = repository.judge()
    many = tuple(
        Finding(
            rule="BRL_DBX_8",
            severity=Severity.MEDIUM,
            refuses=True,
            message="has no queue",
            stack="prod",
            resource=f"databricks_job.job_{number}",
            place=Place(file="stacks/project.py"),
        )
        for number in range(1000)
    )
    text = report.model_copy(update={"findings": many}).to_markdown()
    assert len(text) < LONGEST_COMMENT + 1000
    assert "left out" in text
