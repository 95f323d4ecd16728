"""`branchline marketplace`: the models that all workspaces share, and who may use them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from ci import console
from ci.errors import Trouble
from ci.marketplace.intake import check
from ci.options import As
from ci.repository import ROOT, git

if TYPE_CHECKING:
    from ci.marketplace.index import Shelf

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Find models, bring them, and judge approvals.")
approvals = typer.Typer(no_args_is_help=True, add_completion=False, help="Who may use which model.")
app.add_typer(approvals, name="approvals")
app.command("check")(check)

Workspace = Annotated[
    str, typer.Option("--workspace", "-w", help="Workspace, as infra/settings/marketplace.yaml names it.")
]
Json = Annotated[bool, typer.Option("--json", help="As JSON, for other programs.")]
Model = Annotated[str, typer.Argument(help="Model of the marketplace.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")]


@app.command("list")
def list_(
    workspace: Annotated[str | None, typer.Option("--workspace", "-w", help="Only what it may bring.")] = None,
    as_json: Json = False,
    principal: As = None,
) -> None:
    """List the marketplace's models: where they come from, and for whom they are approved."""
    from ci.marketplace.show import approved_for, models_table
    from ci.steps.parameters import today

    day = today()
    models = [model for model in _shelf(principal).models if workspace in (None, *approved_for(model, day))]
    if as_json:
        console.plain(json.dumps(models, indent=2, ensure_ascii=False))
    elif models:
        console.show(models_table(models, day))
    else:
        console.out.print(f"nothing is approved for {workspace}" if workspace else "the marketplace has no models yet")


@app.command()
def show(model: Model, as_json: Json = False, principal: As = None) -> None:
    """Show a model: versions and their origin, approvals and by whom, and which workspaces have brought it."""
    from ci.marketplace.show import describe
    from ci.steps.parameters import today

    shelf = _shelf(principal)
    found = shelf.find(model)
    if as_json:
        console.plain(json.dumps({**found, "brought": shelf.brought(found["name"])}, indent=2, ensure_ascii=False))
    else:
        describe(found, shelf.brought(found["name"]), today())


@app.command()
def bring(
    model: Model,
    workspace: Workspace,
    version: Annotated[int | None, typer.Option(help="Version in the hub; else the approved champion.")] = None,
    name: Annotated[str | None, typer.Option(help="Its name in the workspace; else as in the hub.")] = None,
    endpoint: Annotated[bool, typer.Option("--endpoint", help="Serve it at an endpoint, too.")] = False,
    dry_run: DryRun = False,
    principal: As = None,
) -> None:
    """Bring an approved model into a workspace: registered, granted as approved, and counted."""
    from ci.marketplace.places import SETTINGS, find_workspace, run_step
    from infra.settings.loader import load_marketplace

    settings = load_marketplace()
    entry = find_workspace(settings, workspace)
    wanted = {"model": model, "version": version, "name": name, "deploy": "endpoint" if endpoint else "none"}
    given = {"wanted": json.dumps([wanted]), "dry_run": str(dry_run).lower()}
    code = run_step(settings, entry, "marketplace.bring", given, principal)
    if code == 0 and not dry_run and all(each.model != model for each in entry.wanted):
        told = {key: value for key, value in wanted.items() if value not in (None, "none")}
        console.err.print(
            f"to keep it as approved every day, put it into {SETTINGS}, under wanted of {workspace}:\n"
            f"  - {json.dumps(told)}"
        )
    raise typer.Exit(code)


@app.command()
def export(
    workspace: Workspace,
    models: Annotated[str | None, typer.Option(help="Names of models, commas between several, with * and ?.")] = None,
    dry_run: DryRun = False,
    principal: As = None,
) -> None:
    """Export a workspace's production versions now, as its daily job does."""
    from ci.marketplace.places import find_workspace, run_step
    from infra.settings.loader import load_marketplace

    settings = load_marketplace()
    entry = find_workspace(settings, workspace)
    given = {"dry_run": str(dry_run).lower(), **({"models": models} if models else {})}
    raise typer.Exit(run_step(settings, entry, "marketplace.export", given, principal))


@approvals.command("check")
def check_approvals() -> None:
    """Judge ml_code/marketplace/approvals.yaml; exit code 1 where something is wrong with it.

    Every entry is complete, ends within a year, is approved by somebody else than who wrote it (git tells), and names
    workspaces that there are; whatever the settings bring is approved.
    """
    from ci.marketplace.approvals import FILE, judge_approvals
    from ci.steps.parameters import today
    from infra.settings.loader import load_marketplace

    settings = load_marketplace()
    judged = judge_approvals(ROOT, {entry.name: entry.wanted for entry in settings.sources}, today())
    for note in judged.notes:
        console.warning(note)
    if judged.problems:
        raise Trouble("\n".join(judged.problems))
    console.out.print(f"{FILE}: {len(judged.approvals)} approvals, nothing wrong")


@approvals.command("apply")
def apply_approvals(
    branch: Annotated[
        str | None, typer.Option(help="Branch that was pushed; else the one that is checked out.")
    ] = None,
    principal: As = None,
) -> None:
    """Start the hub's job that applies the approvals, and watch it to its end.

    The job reads the branch that the hub is pinned to: for a push to another there is nothing to do.
    """
    from ci.jobs.find import find_job, start_run
    from ci.jobs.follow import follow_on_screen
    from ci.jobs.states import state_of
    from ci.marketplace.places import target_of
    from infra.settings.loader import load_marketplace

    settings = load_marketplace()
    pushed = branch or git(ROOT, "rev-parse", "--abbrev-ref", "HEAD")
    if pushed != settings.hub.branch:
        console.out.print(f"the hub runs {settings.hub.branch}: nothing to apply for {pushed}")
        return
    client = target_of(settings.hub, principal).client()
    run_id = start_run(client, find_job(client, "marketplace-approve"))
    ended = follow_on_screen(client, run_id)
    if not state_of(ended).succeeded:
        raise Trouble(f"run {run_id}: {state_of(ended).word}; its log: branchline jobs logs {run_id}")


def _shelf(principal: str | None) -> Shelf:
    from ci.marketplace.index import read_shelf
    from ci.target import find_target
    from infra.settings.loader import load_marketplace

    archive = load_marketplace().values.archive
    return read_shelf(archive, find_target(principal=principal) if archive.secret else None)
