"""`branchline compare`: a training run and the champion."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from ci import console
from ci.models.compare import Interval, Row, Training, changed_parameters, find_training, metric_rows
from ci.options import As, OwnCopy
from ci.target import find_target
from infra.settings import load_settings


def compare(
    which: Annotated[str, typer.Argument(help="Model version, alias, or id of an MLflow run.")] = "candidate",
    env: Annotated[str, typer.Option("--env", help="Environment whose registered model is meant.")] = "dev",
    model: Annotated[str | None, typer.Option(help="Registered model, if not the environment's own.")] = None,
    against: Annotated[str, typer.Option(help="What to compare with: alias, version or run.")] = "champion",
    branch: OwnCopy = None,
    principal: As = None,
) -> None:
    """Compare a training run with the champion: metrics, and the parameters in which they differ."""
    name = model or load_settings(env, branch=branch).model_full_name
    client = find_target(principal=principal).client()
    candidate, champion = find_training(client, name, which), find_training(client, name, against)
    console.show(_metrics(name, candidate, champion))
    changed = changed_parameters(candidate, champion)
    if changed:
        console.show(_parameters(changed, candidate, champion))
    if candidate.run_id == champion.run_id:
        console.warning(f"{candidate.label} and {champion.label} are one and the same run")
    console.out.print(
        "Each run measured on rows of its own; the promotion measures both on the same rows.", style="dim"
    )


def _metrics(model: str, candidate: Training, champion: Training) -> Table:
    table = Table(title=model, title_justify="left", box=None, padding=(0, 2))
    table.add_column("metric")
    for heading in (candidate.label, champion.label, "difference"):
        table.add_column(heading, justify="right")
    for row in metric_rows(candidate, champion):
        table.add_row(
            row.metric,
            _number(row.candidate, row.candidate_interval),
            _number(row.champion, row.champion_interval),
            _difference(row),
        )
    return table


def _parameters(changed: list[tuple[str, str, str]], candidate: Training, champion: Training) -> Table:
    table = Table(box=None, padding=(0, 2))
    for heading in ("parameter", candidate.label, champion.label):
        table.add_column(heading)
    for row in changed:
        table.add_row(*(Text(value) for value in row))
    return table


def _number(value: float | None, interval: Interval) -> Text:
    if value is None:
        return Text("-")
    return Text(f"{value:.4g}" + (f" [{interval[0]:.3g}, {interval[1]:.3g}]" if interval else ""))


def _difference(row: Row) -> Text:
    if row.difference is None:
        return Text("")
    style = "" if row.better is None else "green" if row.better else "red"
    word = "" if row.better is None else " better" if row.better else " worse"
    return Text(f"{row.difference:+.4g}{word}", style=style)
