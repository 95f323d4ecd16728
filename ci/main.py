"""The `branchline` command."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from ci.errors import Trouble

_COMMANDS = (
    "doctor",
    "bootstrap",
    "workspace",
    "run",
    "jobs",
    "compare",
    "demo",
    "plan",
    "apply",
    "drift",
    "comment",
    "jobtests",
    "copies",
    "approver",
    "gate",
    "rehearse",
    "release",
    "lineage",
    "reproduce",
    "marketplace",
)
# Errors that are the user's to mend, by where they are defined; none is imported for this: if it raised, it is loaded.
_TROUBLES = (("infra.workspace.launch", "LaunchError"), ("infra.settings", "SettingsError"))
_WORKSPACE_ERROR = ("databricks.sdk.errors", "DatabricksError")


class ErrorsForPeople(TyperGroup):
    """Ends a command whose trouble is the user's to mend with that trouble in red, and exit code 1."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except Exception as error:
            said = _said(error)
            if said is None:
                raise
            from ci import console

            console.problem(said)
        raise typer.Exit(1)


class Commands(ErrorsForPeople):
    """Each command is a module of ci.commands, imported once it is asked for: `workspace up` waits for no other."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"ci.commands.{cmd_name}")
        made = getattr(module, "app", None)
        if made is None:
            made = typer.Typer(add_completion=False)
            made.command(cmd_name, context_settings=getattr(module, "CONTEXT", None))(getattr(module, cmd_name))
        command = typer.main.get_command(made)
        command.name = cmd_name
        return command


def _said(error: Exception) -> str | None:
    """The error's words where it is for the user to mend."""
    if isinstance(error, Trouble) or any(_is(error, *kind) for kind in _TROUBLES):
        return str(error)
    return f"the workspace answered: {error}" if _is(error, *_WORKSPACE_ERROR) else None


def _is(error: Exception, module: str, name: str) -> bool:
    found = sys.modules.get(module)
    return found is not None and isinstance(error, getattr(found, name))


app = typer.Typer(
    cls=Commands,
    name="branchline",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)


@app.callback()
def branchline() -> None:
    """Develop, rehearse and run ML projects on Databricks, or on the local workspace of this clone."""


def main() -> None:
    """The entry point of the installed command."""
    app()
