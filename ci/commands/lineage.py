"""`branchline lineage`: what a prediction or a model version came from, and where a model serves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from ci import console
from ci.lineage.subject import MODEL_FORM, PREDICTION_FORM, parse
from ci.options import As, OwnCopy
from ci.target import find_target

_LEAST_WIDTH, _LOG_WIDTH = 60, 120


def lineage(
    subject: Annotated[str, typer.Argument(help=f"Prediction: {PREDICTION_FORM}; or model version: {MODEL_FORM}.")],
    json_file: Annotated[Path | None, typer.Option("--json", help="Write nodes and edges to this file.")] = None,
    picture_file: Annotated[Path | None, typer.Option("--picture", help="Draw the trail into this SVG file.")] = None,
    branch: OwnCopy = None,
    principal: As = None,
) -> None:
    """Trace a prediction or a model version back to its origin; exit code 3 if something of the trail is missing."""
    from ci.lineage.picture import picture
    from ci.lineage.sight import sight_of
    from ci.lineage.text import tree
    from ci.lineage.trace import trace

    with console.waiting(f"tracing {subject}"), sight_of(find_target(principal=principal), branch) as sight:
        trail = trace(sight, parse(subject, sight.settings_named))
    width = max(console.out.width, _LEAST_WIDTH) if console.out.is_terminal else _LOG_WIDTH
    for line in tree(trail, width):
        console.out.print(line)
    if json_file is not None:
        json_file.write_text(json.dumps(trail.model_dump(mode="json"), indent=2) + "\n", encoding="utf-8")
        console.err.print(f"nodes and edges: {json_file}")
    if picture_file is not None:
        picture_file.write_text(picture(trail), encoding="utf-8")
        console.err.print(f"picture: {picture_file}")
    raise typer.Exit(trail.exit_code)
