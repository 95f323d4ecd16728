"""`branchline doctor`: is everything here that the commands need?"""

from __future__ import annotations

import typer
from rich.table import Table
from rich.text import Text

from ci import console
from ci.commands.workspace import DataDir
from ci.doctor.check import Check
from ci.doctor.checks import all_checks
from ci.target import DATA_DIR


def doctor(data_dir: DataDir = DATA_DIR) -> None:
    """Check tools, packages, settings and workspace, and say what to do; exit code 1 if something must be done."""
    checks = all_checks(data_dir)
    if console.out.is_terminal:
        console.show(_table(checks))
    else:
        for check in checks:
            console.plain(check.line())
    if any(check.blocks for check in checks):
        raise typer.Exit(1)


def _table(checks: list[Check]) -> Table:
    table = Table(box=None, padding=(0, 1), show_header=False)
    for check in checks:
        mark = ("✓", "green") if check.well else ("✗", "bold red") if check.must else ("!", "yellow")
        table.add_row(Text(*mark), Text(check.what), Text(check.found), Text(check.remedy, style="bold"))
    return table
