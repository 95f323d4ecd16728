"""`branchline drift`: what was changed behind the stacks' back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ci import console, evidence
from ci.drift.look import look_for_drift
from ci.repository import ROOT, git
from infra.settings import load_project

_DRIFT, _TROUBLE = 2, 1


def drift(
    environments: Annotated[
        list[str] | None, typer.Argument(metavar="[ENV…]", help="Environments; all if none is named.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the report for programs.")] = None,
    markdown_file: Annotated[Path | None, typer.Option("--markdown", help="Write the report for people.")] = None,
) -> None:
    """Compare each workspace with the commit that was deployed to it, and look for objects that no state knows.

    Nothing is changed. Exit code 0: no drift; 2: drift; 1: an environment could not be looked at.
    """
    with console.progress("looking for drift") as say:
        report = look_for_drift(environments or load_project().environments, say=say)
    texts = {"drift.json": report.model_dump_json(indent=2) + "\n", "drift.md": report.as_markdown()}
    head = git(ROOT, "rev-parse", "HEAD")
    evidence.keep_all(head, texts, (json_file, markdown_file))
    console.plain(report.as_text())
    if report.found:
        raise typer.Exit(_DRIFT)
    if any(each.problem for each in report.environments):
        raise typer.Exit(_TROUBLE)
