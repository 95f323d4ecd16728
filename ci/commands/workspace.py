"""`branchline workspace`: the local workspace of this clone."""

from __future__ import annotations

import json
import os
import shlex
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from ci import console
from ci.consent import require_consent
from ci.repository import top_level
from ci.target import DATA_DIR, login_link
from infra.workspace import launch

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Start, stop and look into the local workspace.")

DataDir = Annotated[
    Path,
    typer.Option("--data-dir", help="Folder of the workspace's data; BRANCHLINE_DATA_DIR names it for all commands."),
]


class Format(StrEnum):
    """How variables are printed."""

    SHELL = "shell"
    JSON = "json"
    DOTENV = "dotenv"


@app.command()
def up(
    port: Annotated[int | None, typer.Option(help="Port of the REST interface; 0 picks a free one.")] = None,
    provider_port: Annotated[int | None, typer.Option(help="Port of the Terraform provider.")] = None,
    repo: Annotated[
        Path | None, typer.Option(help="Local repository that stands for the settings' git URL: '.' is this clone.")
    ] = None,
    data_dir: DataDir = DATA_DIR,
) -> None:
    """Start the workspace, or find the one that runs; its data stay from start to start."""
    repos = None if repo is None else {_git_url(): str(top_level(repo))}
    with console.waiting("starting the workspace"):
        running = launch.start(data_dir, port, provider_port, repos)
    console.out.print(f"The workspace answers at {running.url}")
    for url, path in running.record.repos.items():
        console.out.print(f"  {url} is {path} for its jobs")
    for cut_off in running.call("GET", "/api/2.0/local/status").get("interrupted_creations", []):
        console.out.print(f"  {cut_off} was cut off in its creation: the same deploy again takes it over")
    console.out.print("  log in with a browser:       branchline workspace open")
    console.out.print('  point your shell at it:      eval "$(branchline workspace env)"')


@app.command()
def down(data_dir: DataDir = DATA_DIR) -> None:
    """Stop the workspace and all that it started; its data stay."""
    stopped = launch.stop(data_dir)
    console.out.print("The workspace is stopped." if stopped else "No workspace was running.")


@app.command()
def status(data_dir: DataDir = DATA_DIR) -> None:
    """Show what runs; exit code 1 if nothing does."""
    running = launch.find(data_dir)
    if running is None:
        console.out.print(f"No workspace runs on {data_dir}.")
        raise typer.Exit(1)
    table = Table(show_header=False, box=None)
    table.add_row("address", running.url)
    table.add_row("data", str(running.data_dir))
    table.add_row("process", str(running.record.pid))
    for name, value in running.call("GET", "/api/2.0/local/status").items():
        table.add_row(name.replace("_", " "), _shown(value))
    console.show(table)


@app.command()
def reset(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False, data_dir: DataDir = DATA_DIR
) -> None:
    """Stop the workspace and delete all of its data."""
    require_consent(
        f"Delete the workspace in {data_dir} with all of its data?",
        given=yes,
        unattended="reset deletes all data of the workspace: without a terminal to ask at, say --yes",
    )
    launch.reset(data_dir)
    console.out.print("The workspace and its data are gone.")


@app.command()
def env(
    principal: Annotated[
        str | None, typer.Option("--as", help="Service principal, by display name; without it, the first admin.")
    ] = None,
    format: Annotated[Format, typer.Option(help="How to print them.")] = Format.SHELL,
    data_dir: DataDir = DATA_DIR,
) -> None:
    """Print the variables that point Terraform, databricks-sdk and mlflow at the workspace."""
    running = launch.require(data_dir)
    # What a shell has evaluated lasts as long as its terminal; what goes into a file, no longer than the workspace.
    watched_pid = _session_leader() if format is Format.SHELL else None
    variables = launch.environment(running, principal, watched_pid=watched_pid or running.record.pid)
    console.plain(format_variables(variables, format))


@app.command("open")
def open_(data_dir: DataDir = DATA_DIR) -> None:
    """Print a link that logs a browser in: once, and within five minutes."""
    console.plain(login_link(launch.require(data_dir)))


def _git_url() -> str:
    from infra.settings import load_project  # half of this command's imports, for one of its options

    return load_project().git.url


def format_variables(variables: dict[str, str], format: Format) -> str:
    """The variables as shell commands, as a JSON object, or as the lines of a .env file."""
    if format is Format.JSON:
        return json.dumps(variables, indent=2)
    lines = [f"{name}={shlex.quote(value)}" for name, value in variables.items()]
    return "\n".join(lines if format is Format.DOTENV else [f"export {line}" for line in lines])


def _session_leader() -> int | None:
    """The shell of this terminal, or what stands for it in a CI job; None if it cannot be watched.

    It has gone, is another user's, began outside this container (then its id is 0), or is this very command.
    """
    try:
        leader = os.getsid(0)
        os.kill(leader, 0)
    except OSError:
        return None
    return leader if leader not in (0, os.getpid()) else None


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name.replace('_', ' ')}: {_shown(part)}" for name, part in value.items())
    if isinstance(value, list):
        return ", ".join(_shown(part) for part in value)
    return str(value)
