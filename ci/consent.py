"""The question before what cannot be taken back."""

from __future__ import annotations

import typer

from ci import console
from ci.errors import Trouble


def require_consent(question: str, *, given: bool, unattended: str) -> None:
    """Asks unless `given`; ends the command on no. Raises Trouble with `unattended` where nobody can answer."""
    if given:
        return
    if not console.err.is_terminal:
        raise Trouble(unattended)
    typer.confirm(question, abort=True, err=True)
