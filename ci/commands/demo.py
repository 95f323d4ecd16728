"""`branchline demo`: the whole path on this machine."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from ci import console
from ci.demo.display import make_display, outcome_table
from ci.demo.plan import FOLDER, Demo
from ci.demo.steps import Outcome, run_steps
from ci.target import login_link
from infra.workspace.launch import Running


def demo(
    port: Annotated[int | None, typer.Option(help="Port of the workspace; 0 picks a free one.")] = None,
) -> None:
    """Deploy dev, staging and prod to a local workspace; train, promote and score in each."""
    plan = Demo(port=port)
    steps = plan.steps()
    with make_display(steps) as display:
        outcomes = run_steps(steps, FOLDER / "logs", display)
    console.show(outcome_table(outcomes))
    if outcomes[-1].failed:
        _tell_failure(outcomes[-1])
        raise typer.Exit(1)
    _tell_addresses(plan.running)


def _tell_failure(outcome: Outcome) -> None:
    console.problem(f"failed: {outcome.title}")
    console.err.print(Text(outcome.result))
    console.err.print(Text(f"all of it is in {outcome.log}"))


def _tell_addresses(running: Running) -> None:
    console.plain("\nThe workspace goes on running; look at it:")
    console.plain(f"  log in          {login_link(running)}")
    console.plain("                  (works once, for five minutes; another: branchline workspace open)")
    console.plain(f"  jobs and runs   {running.url}/jobs")
    console.plain(f"  catalog         {running.url}/catalog")
    console.plain(f"  MLflow          {running.url}/mlflow/")
    console.plain('  your shell      eval "$(.venv/bin/branchline workspace env)"')
    console.plain("  stop it         .venv/bin/branchline workspace down")
