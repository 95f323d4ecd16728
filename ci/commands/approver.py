"""`branchline approver`: who approved this CI run."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from ci import console
from ci.approvals.ask import find_approver


def approver(
    environment: Annotated[str, typer.Argument(metavar="ENV", help="Environment that the run was approved for.")],
) -> None:
    """Print who approved this CI run for an environment; exit code 1 where nobody did.

    GitHub Actions and Azure Pipelines are asked with the run's own token; elsewhere the variable APPROVER says.
    """
    console.plain(find_approver(environment, os.environ))
