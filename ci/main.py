"""The `branchline` command."""

from __future__ import annotations

import sys
from typing import Any

import typer
from typer.core import TyperGroup

from ci import console
from ci.commands import compare, demo, doctor, jobs, run, workspace
from ci.errors import Trouble
from infra.settings import SettingsError
from infra.workspace.launch import LaunchError


class ErrorsForPeople(TyperGroup):
    """Ends a command whose trouble is the user's to mend with that trouble in red, and exit code 1."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (Trouble, LaunchError, SettingsError) as error:
            console.problem(str(error))
        except Exception as error:
            if not _from_workspace(error):
                raise
            console.problem(f"the workspace answered: {error}")
        raise typer.Exit(1)


def _from_workspace(error: Exception) -> bool:
    """Whether it is databricks-sdk's, which is not imported for this: if it raised, it is loaded."""
    errors = sys.modules.get("databricks.sdk.errors")
    return errors is not None and isinstance(error, errors.DatabricksError)


app = typer.Typer(
    cls=ErrorsForPeople,
    name="branchline",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    help="Develop, rehearse and run ML projects on Databricks, or on the local workspace of this clone.",
)
app.command("doctor")(doctor.doctor)
app.add_typer(workspace.app, name="workspace")
app.command("run", context_settings=run.CONTEXT)(run.run)
app.add_typer(jobs.app, name="jobs")
app.command("compare")(compare.compare)
app.command("demo")(demo.demo)


def main() -> None:
    """The entry point of the installed command."""
    app()
