"""`branchline apply`: deploy an environment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ci import console
from ci.deploying import HOOK_FAILED, Only, agreed, chosen, end_in_order

if TYPE_CHECKING:
    from ci.apply import Report


def apply(
    environment: Annotated[str, typer.Argument(metavar="ENV", help="Environment, such as staging.")],
    approved: Annotated[str | None, typer.Option(metavar="DIGEST", help="Digest of the approved plan.")] = None,
    plan_file: Annotated[
        Path | None, typer.Option("--plan", help="The approved plan.json of 'branchline plan --json'.")
    ] = None,
    approver: Annotated[str | None, typer.Option(help="Who approved it: name or mail; not an author.")] = None,
    author: Annotated[str | None, typer.Option(help="Who asks for it, beside the commits' authors.")] = None,
    pull_request: Annotated[int | None, typer.Option(help="Its number; else from the merge's message.")] = None,
    pipeline_url: Annotated[str | None, typer.Option(help="Where the pipeline's run is to be seen.")] = None,
    tag: Annotated[str | None, typer.Option(help="The release's tag.")] = None,
    only: Only = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask, where no approval is demanded.")] = False,
    allow_uncommitted: Annotated[
        bool, typer.Option(help="Deploy stacks with uncommitted changes, where no approval is demanded.")
    ] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the report.")] = None,
    markdown_file: Annotated[Path | None, typer.Option("--markdown", help="Write it for a pull request.")] = None,
) -> None:
    """Deploy the checked-out commit: plan it again, apply it only if it is the approved plan, then run the hooks.

    Interrupted at any moment, the same command ends what was begun. Exit codes: 0 deployed, 1 refused or failed,
    4 deployed, but a hook failed: the same command runs that hook again.
    """
    from ci.apply import DeploymentFailed, Request
    from ci.apply import apply as apply_request

    request = Request(
        environment,
        approved=approved,
        plan_file=plan_file,
        approver=approver,
        author=author,
        pull_request=pull_request,
        pipeline_url=pipeline_url,
        tag=tag,
        kinds=chosen(only) if only else None,
        allow_uncommitted=allow_uncommitted,
        agreed=lambda plan: yes or agreed(plan, "Apply this?"),
    )
    end_in_order()
    try:
        report = apply_request(request, lambda line: console.err.print(line, highlight=False))
    except DeploymentFailed as error:
        _tell(error.report, json_file, markdown_file)
        raise
    _tell(report, json_file, markdown_file)
    if report.deployment.due_hooks:
        console.problem("deployed, but not every hook succeeded: run the same command again to run it again")
        raise typer.Exit(HOOK_FAILED)


def _tell(report: Report, json_file: Path | None, markdown_file: Path | None) -> None:
    from ci.apply.report import report_as_json, report_as_markdown, report_as_text

    console.plain(report_as_text(report).rstrip("\n"))
    for path, text in ((json_file, report_as_json(report)), (markdown_file, report_as_markdown(report))):
        if path is not None:
            path.write_text(text, encoding="utf-8")
