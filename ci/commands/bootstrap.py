"""`branchline bootstrap`: from an empty workspace and subscription to a working line, and back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from ci import console
from ci.bootstrap.down import Down
from ci.bootstrap.forges import lines
from ci.bootstrap.report import Report, Way
from ci.bootstrap.up import Up
from ci.consent import require_consent
from ci.terraform.credentials import Credentials
from infra.settings import Settings, load_project, load_settings

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Set up a line from nothing: state, administration, logins from CI.",
)

Environments = Annotated[
    list[str] | None, typer.Argument(metavar="[ENV…]", help="Environments; all of the project's without any.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Change nothing; print every command and change instead.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Json = Annotated[Path | None, typer.Option("--json", help="Write the steps, and what the forge must be told.")]


@app.command()
def up(environments: Environments = None, dry_run: DryRun = False, yes: Yes = False, json_file: Json = None) -> None:
    """Make the state's storage, the admin stacks and the federation policies; then say what the forge must be told.

    Log in as an administrator first. A second run changes nothing; an interrupted one goes on. Exit code 1 if
    something must be done by you, which is then said.
    """
    with console.progress("looking") as say:
        way = _way(say, dry_run)
        line = Up(_chosen(environments), way)
        question = line.look()
    _consent(question, yes or dry_run)
    with console.progress("bootstrapping") as way.say:
        report = line.run()
    _end(report, json_file, "nothing had to be done")
    for text in lines(report.forges):
        console.plain(text)


@app.command()
def down(
    environments: Environments = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    state: Annotated[bool, typer.Option("--state", help="Also remove the state's storage, if it is empty.")] = False,
    json_file: Json = None,
) -> None:
    """Remove what `up` made: federation policies, admin stacks and, with --state, the state's storage.

    Refuses, and names what is in the way, while a project, a copy or protected data is still there.
    """
    with console.progress("looking") as say:
        way = _way(say, dry_run)
        line = Down(_chosen(environments), _chosen(None), way)
        question = line.look()
    if question:
        _consent(question, yes or dry_run)
    with console.progress("taking down") as way.say:
        report = line.run(with_state=state)
    _end(report, json_file, "nothing was there")


def _chosen(names: list[str] | None) -> list[Settings]:
    """The environments themselves, whatever branch is checked out."""
    loaded = [load_settings(name) for name in dict.fromkeys(names or load_project().environments)]
    return [settings.model_copy(update={"copy_of": None}) for settings in loaded]


def _way(say: Callable[[str], None], dry_run: bool) -> Way:
    return Way(Credentials(), say, console.plain, dry_run)


def _consent(question: str, given: bool) -> None:
    require_consent(question, given=given, unattended=f"{question} Without a terminal to ask at, say --yes")


def _end(report: Report, json_file: Path | None, nothing: str) -> None:
    if not report.changed:
        console.plain(nothing)
    if json_file is not None:
        json_file.write_text(report.model_dump_json(indent=2) + "\n", encoding="utf-8")
