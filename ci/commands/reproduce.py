"""`branchline reproduce`: one prediction made again from what its trail names."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from ci import console
from ci.lineage.subject import PREDICTION_FORM, parse_prediction
from ci.options import As, OwnCopy
from ci.target import find_target

DIFFERS = 3
_STYLES = {"same": "green", "differs": "bold red", "missing": "bold red", "note": "yellow"}


def reproduce(
    prediction: Annotated[str, typer.Argument(help=f"{PREDICTION_FORM}.")],
    tolerance: Annotated[
        float, typer.Option(min=0.0, help="Relative difference up to which two risks count as the same.")
    ] = 1e-9,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the findings to this file.")] = None,
    branch: OwnCopy = None,
    principal: As = None,
) -> None:
    """Score a prediction's row again with its own code, packages, data and model; exit code 3 if that differs."""
    from ci.lineage.predictions import find_prediction
    from ci.lineage.reproduction import reproduce as again
    from ci.lineage.sight import sight_of

    target = find_target(principal=principal)
    with console.waiting(f"reproducing {prediction}"), sight_of(target, branch) as sight:
        found = again(
            sight, target, find_prediction(sight, parse_prediction(prediction, sight.settings_named)), tolerance
        )
    console.out.print(Text(found.prediction, style="bold"))
    for each in found.findings:
        console.out.print(Text.assemble(f"  {each.part:<11}  ", (f"{each.state:<7}  ", _STYLES[each.state]), each.told))
    if found.reproduced:
        console.out.print(Text("REPRODUCED: the same prediction came out.", style="bold green"))
    else:
        differs = found.computed is not None
        said = (
            "DIFFERS: another prediction came out." if differs else "NOT REPRODUCED: not everything could be rebuilt."
        )
        console.out.print(Text(said, style="bold red"))
    if json_file is not None:
        json_file.write_text(found.model_dump_json(indent=2) + "\n", encoding="utf-8")
        console.err.print(f"findings: {json_file}")
    raise typer.Exit(0 if found.reproduced else DIFFERS)
