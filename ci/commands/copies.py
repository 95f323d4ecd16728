"""`branchline copies`: feature branches' own deployments."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from ci import console, evidence
from ci.consent import require_consent
from ci.copies.find import Copy, find_copies
from ci.copies.which import branch_named, branches_at_origin, client
from ci.errors import Trouble
from infra.settings.copies import copied_environment, names_of_copy

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Deploy, train, list and remove feature branches' own copies."
)

Branch = Annotated[
    str | None,
    typer.Option(envvar="BRANCH", help="Feature branch; without it, the one that is checked out."),
]


@app.command()
def deploy(
    branch: Branch = None,
    commit: Annotated[str | None, typer.Option(help="Pin the copy's jobs to this commit of the branch.")] = None,
) -> None:
    """Deploy a branch's copy, or bring it up to date; its schedules are paused and a tag says when it expires."""
    from ci.copies.deploy import deploy as deploy_copy

    named = branch_named(branch)
    with console.progress(f"deploying the copy of {named}") as say:
        deployed = deploy_copy(named, commit, say)
    copy = deployed.settings.copy_of
    did = f"{len(deployed.changes)} changes" if deployed.changes else "no changes"
    console.out.print(f"{deployed.settings.schema_full_name}: {did}")
    if copy:
        console.out.print(f"  expires on {copy.expires.isoformat()}, later with each further commit")
        console.out.print(f"  train it:   branchline copies train --branch {named}")
        console.out.print(f"  remove it:  branchline copies destroy --branch {named}")


@app.command()
def train(
    branch: Branch = None,
    date: Annotated[str | None, typer.Option(help="Logical day, such as 2026-11-20; without it, today.")] = None,
    trials: Annotated[int | None, typer.Option(min=1, help="Trials of the search; without it, the job's own.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the candidate and its numbers.")] = None,
    markdown_file: Annotated[Path | None, typer.Option("--markdown", help="Write it for a pull request.")] = None,
) -> None:
    """Land data and train in a branch's copy, and set its candidate beside the environment's champion.

    The result is kept with the commit's evidence too. Exit code 1 if a run fails; a candidate that would be refused is
    no failure.
    """
    from ci.copies.candidate import candidate_as_markdown
    from ci.copies.train import train as train_copy

    given = {"date": date, "trials": None if trials is None else str(trials)}
    found = train_copy(
        branch_named(branch),
        {name: value for name, value in given.items() if value is not None},
        lambda line: console.err.print(Text(line)),
    )
    texts = {"candidate.json": found.model_dump_json(indent=2) + "\n", "candidate.md": candidate_as_markdown(found)}
    evidence.keep_all(found.commit, texts, (json_file, markdown_file))
    console.plain(texts["candidate.md"].rstrip("\n"))


@app.command()
def destroy(
    branch: Branch = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove a branch's copy with its tables, files and model versions; the branch itself may be gone."""
    named = branch_named(branch)
    schema = names_of_copy(named).schema_full_name
    require_consent(
        f"Delete the copy of {named}, with {schema} and all that is in it?",
        given=yes,
        unattended=f"this deletes {schema} and all that is in it: without a terminal to ask at, say --yes",
    )
    _destroy(named)


@app.command("list")
def list_() -> None:
    """List the copies of the workspace with their owners and last days."""
    from ci.copies.expire import expires

    home = copied_environment()
    copies = find_copies(client(), home)
    if not copies:
        console.out.print(f"no copies of {home.environment}")
        return
    console.show(_table(copies, [expires(copy, home).isoformat() for copy in copies], "expires"))


@app.command()
def expire(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be removed, and remove nothing.")] = False,
    gone: Annotated[bool, typer.Option("--gone", help="Also copies whose branch is gone from origin.")] = False,
) -> None:
    """Remove the copies that are past their last day.

    The last day is the tag's, or a later one where this clone knows a later commit of the branch. Exit code 1 if a
    copy could not be removed; the others are removed all the same.
    """
    from ci.copies.expire import find_expired
    from ci.steps.parameters import today

    home = copied_environment()
    copies = find_copies(client(), home)
    expired = find_expired(copies, home, today(), branches_at_origin() if gone else None)
    console.out.print(f"{len(copies)} copies of {home.environment}, {len(expired)} to be removed")
    if expired:
        console.show(_table([each.copy for each in expired], [each.reason for each in expired], "why"))
    failed = [] if dry_run else [each.copy.branch for each in expired if not _destroyed(each.copy.branch)]
    if failed:
        raise Trouble(f"not removed: {', '.join(failed)}")


def _destroyed(branch: str) -> bool:
    """Whether a copy could be removed; says why not."""
    from databricks.sdk.errors.base import DatabricksError

    try:
        _destroy(branch)
    except (Trouble, DatabricksError) as error:
        console.problem(f"{branch}: {error}")
        return False
    return True


def _destroy(branch: str) -> None:
    from ci.copies.remove import remove

    with console.progress(f"removing the copy of {branch}") as say:
        removed = remove(branch, say)
    if not removed.by_state and not removed.by_name:
        console.out.print(f"{branch} has no copy")
        return
    console.out.print(f"the copy of {branch} is gone: {len(removed.by_state)} objects by its state")
    for name in removed.by_name:
        console.out.print(f"  by name, as the state here did not know it: {name}")


def _table(copies: list[Copy], last: list[str], heading: str) -> Table:
    table = Table(box=None, padding=(0, 2))
    for column in ("branch", "owner", "schema", "jobs", heading):
        table.add_column(column, overflow="fold")
    for copy, text in zip(copies, last, strict=True):
        table.add_row(Text(copy.branch), Text(copy.owner), Text(copy.schema or "–"), str(len(copy.jobs)), Text(text))
    return table
