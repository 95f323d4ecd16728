"""`branchline plan`: what a deployment would do."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ci import console, evidence
from ci.deploying import Only, chosen
from ci.plan.files import plan_text
from ci.plan.make import make_plan
from ci.plan.render import plan_as_markdown, plan_as_text

_FAILED = 1


def plan(
    environments: Annotated[list[str], typer.Argument(metavar="ENV…", help="Environments, such as staging prod.")],
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the plan with its digests.")] = None,
    markdown_file: Annotated[Path | None, typer.Option("--markdown", help="Write it for a pull request.")] = None,
    only: Only = None,
) -> None:
    """Show what deploying the checked-out commit would do, in every stack of the environments.

    Plans run side by side and change nothing. Nothing sensitive is shown or kept; Terraform's own plan files stay in
    the stacks' folders. The result is kept with the commit's evidence too. Exit code 1 if a stack cannot be planned.
    """
    with console.progress("planning") as say:
        found, _ = make_plan(environments, kinds=chosen(only), say=say)
    texts = {"plan.json": plan_text(found), "plan.md": plan_as_markdown(found)}
    evidence.keep_all(found.commit, texts, (json_file, markdown_file))
    console.plain(plan_as_text(found).rstrip("\n"))
    if found.problems:
        console.problem(f"{len(found.problems)} of {len(found.stacks)} stacks cannot be planned")
        raise typer.Exit(_FAILED)
