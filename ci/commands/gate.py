"""`branchline gate`: may this plan be reviewed, or applied."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from ci import console, evidence
from ci.gate import Purpose, run_gate
from ci.gate.stacks import find_synthesis
from ci.gate.words import as_text
from ci.plan.files import read_plan
from ci.repository import ROOT, git

_REFUSED = 3


def gate(
    plan_file: Annotated[
        Path | None, typer.Option("--plan", help="Plan of 'branchline plan'; else the commit's own evidence.")
    ] = None,
    stacks: Annotated[
        Path | None, typer.Option(help="Folder of the planned stacks; else where they were planned, or made anew.")
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(
            help="Where a change begins that its branch has already; else the release before, or first parent."
        ),
    ] = None,
    purpose: Annotated[Purpose, typer.Option("--for", help="What the plan is judged for.")] = Purpose.REVIEW,
    sarif_file: Annotated[Path | None, typer.Option("--sarif", help="Write SARIF 2.1.0, for code scanning.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the report.")] = None,
    markdown_file: Annotated[Path | None, typer.Option("--markdown", help="Write it for a pull request.")] = None,
) -> None:
    """Judge the checked-out commit's stacks and plan by the rules of infra/policies.

    Its result is kept with the commit's evidence too. Exit codes: 0 passed; 1 nothing was judged (no plan, one of
    another commit or changed since it was written, other stacks, wrong settings); 3 refused.
    """
    commit = git(ROOT, "rev-parse", "HEAD")
    plan = read_plan(plan_file or evidence.folder(commit) / "plan.json")
    with console.waiting("judging stacks and plan"):
        report = run_gate(plan, find_synthesis(plan, stacks, ROOT), purpose, base)
    texts = {
        "gate.sarif": json.dumps(report.to_sarif(), indent=2) + "\n",
        "gate.json": report.model_dump_json(indent=2) + "\n",
        "gate.md": report.to_markdown(),
    }
    evidence.keep_all(report.commit, texts, (sarif_file, json_file, markdown_file))
    console.plain(as_text(report).rstrip("\n"))
    if not report.passed:
        raise typer.Exit(_REFUSED)
