"""Options that several commands take."""

from __future__ import annotations

from typing import Annotated

import typer

As = Annotated[str | None, typer.Option("--as", help="Service principal of the local workspace, by display name.")]
OwnCopy = Annotated[str | None, typer.Option(envvar="BRANCH", help="Feature branch whose own copy of dev is meant.")]
