"""The marketplace's models on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from rich.table import Table
from rich.text import Text

from ci import console

Model = Mapping[str, Any]


def models_table(models: Sequence[Model], day: date) -> Table:
    """One line a model."""
    table = Table(box=None, padding=(0, 2))
    for heading in ("model", "from", "versions", "champion", "approved for", "until"):
        table.add_column(heading, overflow="fold")
    for model in models:
        leading = champion(model)
        held = holding(model, day)
        table.add_row(
            Text(model["name"]),
            Text(f"{leading['workspace']}: {leading['origin_model']} v{leading['origin_version']}" if leading else ""),
            str(len(model["versions"])),
            f"v{leading['version']}" if leading else "",
            Text(", ".join([*approved_for(model, day), *(["the hub"] if held else [])])),
            min((each["until"] for each in held), default=""),
        )
    return table


def describe(model: Model, brought: Sequence[Mapping[str, Any]], day: date) -> None:
    """Everything that the archive tells of a model."""
    console.out.print(Text(model["full_name"], style="bold"))
    if model["description"]:
        console.out.print(model["description"])
    console.show(_table("versions", ("version", "from", "aliases", "manifest"), [_version(v) for v in _newest(model)]))
    rows = [_approval(each, day) for each in model["approvals"]]
    console.show(_table("approvals", ("for", "workspaces", "versions", "until", "approved by", "reason"), rows))
    if brought:
        places = [
            (each["workspace"], each["name"], _number(each["version"]), f"v{each['hub_version']}") for each in brought
        ]
        console.show(_table("brought to", ("workspace", "as", "version", "of the hub's"), places))
    if workspaces := approved_for(model, day):
        console.err.print(f"to bring it:  branchline marketplace bring {model['name']} --workspace {workspaces[0]}")


def champion(model: Model) -> Mapping[str, Any] | None:
    """The version that is brought where none is named: the champion, else the newest."""
    versions = _newest(model)
    return next((each for each in versions if "champion" in each["aliases"]), versions[0] if versions else None)


def holding(model: Model, day: date) -> list[Mapping[str, Any]]:
    """The approvals that have not ended."""
    return [each for each in model["approvals"] if day <= date.fromisoformat(each["until"])]


def approved_for(model: Model, day: date) -> list[str]:
    """The workspaces that may bring the model."""
    return sorted({name for each in holding(model, day) for name in each["workspaces"]})


def _newest(model: Model) -> list[Mapping[str, Any]]:
    return sorted(model["versions"], key=lambda each: int(each["version"]), reverse=True)


def _version(version: Mapping[str, Any]) -> tuple[str, ...]:
    origin = f"{version['workspace']}: {version['origin_model']} v{version['origin_version']}"
    return (f"v{version['version']}", origin, ", ".join(version["aliases"]), version["manifest_sha256"][:12])


def _approval(approval: Mapping[str, Any], day: date) -> tuple[str, ...]:
    ended = " (ended)" if day > date.fromisoformat(approval["until"]) else ""
    return (
        ", ".join(approval["principals"]),
        ", ".join(approval["workspaces"]) or "the hub alone",
        ", ".join(map(str, approval["versions"])) or "champion",
        f"{approval['until']}{ended}",
        approval["approved_by"],
        approval["reason"],
    )


def _number(version: int | None) -> str:
    return "on its way" if version is None else f"v{version}"


def _table(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(title=title, title_justify="left", box=None, padding=(0, 2))
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table
