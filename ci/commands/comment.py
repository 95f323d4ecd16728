"""`branchline comment`: what the commands found out, on the pull request."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from ci import console
from ci.comments.forge import find_forge
from ci.comments.update import body, update
from ci.errors import Trouble


def comment(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Markdown files, in the order to show them.")],
    name: Annotated[str, typer.Option(help="Which comment: each name has one on a pull request.")] = "release-line",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the comment and send nothing.")] = False,
) -> None:
    """Put Markdown on the pull request as one comment; a later run updates it, so that there is never a second.

    Which pull request, and the token, come from the CI run: GitHub Actions, Azure Pipelines, or Jenkins with
    GITHUB_REPOSITORY and GITHUB_TOKEN. Files that are not there are left out and named.
    """
    there = [path for path in files if path.is_file()]
    for path in files:
        if path not in there:
            console.warning(f"{path} is not there: left out")
    if not there:
        raise Trouble("none of the files is there: there is nothing to say")
    parts = [path.read_text(encoding="utf-8") for path in there]
    if dry_run:
        console.plain(body(name, parts))
        return
    updated = update(find_forge(os.environ), name, parts)
    console.out.print(f"The comment {name!r} is {'updated' if updated else 'added'}.")
