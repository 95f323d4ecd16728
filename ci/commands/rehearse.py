"""`branchline rehearse`: the change over its base, on this machine, before it touches any cloud."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ci import console
from ci.rehearsal.display import showing
from ci.rehearsal.model import Rehearsal, Verdict
from ci.rehearsal.rehearse import DAY
from ci.rehearsal.rehearse import rehearse as perform
from ci.repository import ROOT, uncommitted

EXIT_CODES = {Verdict.PASSED: 0, Verdict.BASE_FAILED: 1, Verdict.FAILED: 3}


def rehearse(
    base: Annotated[
        str | None, typer.Option(help="What the change comes over; the environment's branch at origin by default.")
    ] = None,
    change: Annotated[str, typer.Option(help="What is rehearsed: a commit; uncommitted files are not in it.")] = "HEAD",
    environment: Annotated[str, typer.Option(help="Environment that is deployed.")] = "staging",
    day: Annotated[str, typer.Option(help="Logical day of the jobs.")] = DAY,
    trials: Annotated[
        int | None, typer.Option(min=1, help="Trials of the training's search, in place of the job's own number.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Let the workspace run on, to be looked into.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write the report as a page to this file.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write the summary to this file.")] = None,
    json: Annotated[Path | None, typer.Option(help="Write all that was found to this file.")] = None,
) -> None:
    """Deploy base to a fresh local workspace and run its jobs, then the same with the change over it.

    Needs no account and hands no secret on. Exit code 0: the change deploys and its jobs succeed; 3: it does not;
    1: nothing is known of it, as the base itself fails or nothing could be rehearsed.
    """
    if change == "HEAD" and (files := uncommitted(ROOT)):
        console.warning(f"{len(files)} uncommitted files are not rehearsed: jobs and stacks are those of commits")
    with showing() as progress:
        found = perform(base, change, environment, day=day, trials=trials, keep=keep, progress=progress)
    for path, text in ((html, found.to_html), (markdown, found.to_markdown), (json, lambda: _json(found))):
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text(), encoding="utf-8")
    _show(found.to_markdown())
    if found.kept:
        console.err.print(f"the workspace goes on: branchline workspace open --data-dir {found.kept}/workspace")
        console.err.print(f"stop and remove it:    branchline workspace reset --data-dir {found.kept}/workspace")
    raise typer.Exit(EXIT_CODES[found.verdict])


def _show(text: str) -> None:
    """The summary: laid out on a terminal, as it is elsewhere."""
    if console.out.is_terminal:
        from rich.markdown import Markdown

        console.out.print(Markdown(text, hyperlinks=False))
    else:
        console.plain(text.rstrip())


def _json(found: Rehearsal) -> str:
    return found.model_dump_json(indent=2) + "\n"
