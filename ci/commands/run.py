"""`branchline run`: one step of the ML code on uncommitted code."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from ci import console
from ci.options import As, OwnCopy
from ci.repository import ROOT, uncommitted
from ci.steps.execute import command, run_process, spark, task_environment
from ci.steps.manifest import Manifest, read_manifest
from ci.steps.parameters import filled, settings_values, today, typed_parameters
from ci.target import find_target
from infra.settings import load_settings

CONTEXT = {"allow_extra_args": True, "ignore_unknown_options": True}


def run(
    context: typer.Context,
    step: Annotated[str | None, typer.Argument(help="Step of ml_code/steps.yaml; without it, all are listed.")] = None,
    env: Annotated[str, typer.Option("--env", help="Environment whose settings fill the parameters.")] = "dev",
    branch: OwnCopy = None,
    principal: As = None,
    debugger: Annotated[
        bool, typer.Option("--debugger", "--debug", help="Under debugpy if it is installed, else under pdb.")
    ] = False,
) -> None:
    """Run one step on the code as it stands here, against a workspace; more options are the step's parameters."""
    manifest = read_manifest(ROOT)
    if step is None:
        _list_steps(manifest)
        return
    settings = load_settings(env, branch=branch)
    arguments = filled(manifest.find(step), typed_parameters(context.args), settings_values(settings, today()))
    target = find_target(principal=principal)
    _warn_of_uncommitted()
    if settings.copy_of:
        console.err.print(f"in {settings.branch}'s own copy of {env}: {settings.schema_full_name}")
    entry = ROOT / manifest.entry
    with spark(target, ROOT) as spark_remote:
        line = command(entry, arguments, debugger)
        if "debugpy" in line:
            console.err.print("waiting for a debugger at 127.0.0.1:5678")
        code = run_process(line, entry.parent, task_environment(target, spark_remote))
    raise typer.Exit(code)


def _warn_of_uncommitted() -> None:
    files = uncommitted(ROOT)
    if files:
        named = ", ".join(files[:3]) + (f" and {len(files) - 3} more" if len(files) > 3 else "")
        console.warning(f"uncommitted: {named}. This run sees that; jobs see commits only.")


def _list_steps(manifest: Manifest) -> None:
    table = Table(box=None, show_header=False, padding=(0, 2))
    for step in manifest.steps.values():
        table.add_row(step.name, step.description)
    console.show(table)
