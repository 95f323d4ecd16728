"""`branchline release`: cut, show, status and rollback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ci import console
from ci.deploying import HOOK_FAILED, Only, agreed, chosen, end_in_order
from ci.errors import Trouble
from ci.release.cut import complete, prepare, proof_of, publish, unfinished
from ci.release.ledger import find_release, releases
from ci.release.line import Line, load_line
from ci.release.remote import Remote
from ci.repository import ROOT

if TYPE_CHECKING:
    from ci.release.scene import Scene

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Cut releases, see what runs where, and roll back.")

RemoteName = Annotated[str, typer.Option("--remote", help="Remote with the branches main and release.")]
Tag = Annotated[str, typer.Argument(help="Tag of a release.")]


@app.command()
def cut(
    tag: Annotated[str | None, typer.Option(help="vX.Y.Z; without it, release-<date>-<number>.")] = None,
    remote: RemoteName = "origin",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be cut; nothing is pushed.")] = False,
) -> None:
    """Bring release to main, with a tag, notes and the evidence, in one push.

    Refused, and nothing moves, while main is red, where there is nothing to release, and where release has content
    that main never had. What is checked out does not matter: only the remote's branches count.
    """
    from ci.release.render import cut_as_text

    line = load_line()
    with console.waiting(f"asking {remote} for its branches"):
        found = _ask(remote, line)
    half = unfinished(found, line)
    if half is not None:
        if dry_run:
            raise Trouble(f"{half.tag} was cut by half: 'branchline release cut' without --dry-run completes it")
        complete(found, line, half)
        console.out.print(f"{half.tag} had been cut by half at {remote}: completed, at {half.commit[:12]}")
        return
    with console.waiting(f"asking {line.proven.environment} whether {line.main} is green"):
        prepared = prepare(found, line, proof_of(found, line), tag=tag)
    if not dry_run:
        with console.waiting(f"pushing {prepared.release.tag} to {remote}"):
            publish(found, line, prepared)
    console.plain(cut_as_text(prepared, line.main, line.release, remote))
    if prepared.missing:
        console.warning(f"not attached, as there is none in this clone: {', '.join(prepared.missing)}")
    if dry_run:
        console.err.print("a dry run: nothing was pushed")


@app.command()
def show(
    tag: Tag,
    remote: RemoteName = "origin",
    extract: Annotated[Path | None, typer.Option(help="Write the evidence into this folder.")] = None,
) -> None:
    """Show a release: its commit, its notes and the evidence that is attached to it."""
    from ci.release import evidence
    from ci.release.render import release_as_text

    found = _ask(remote, load_line())
    release = find_release(found, tag, releases(found))
    console.plain(release_as_text(release, evidence.attached(ROOT, release)))
    if extract is not None:
        written = evidence.extract(ROOT, release, extract)
        console.err.print(f"{len(written)} files written to {extract}")


@app.command()
def status(
    json_file: Annotated[Path | None, typer.Option("--json", help="Write it for programs.")] = None,
    drift: Annotated[bool, typer.Option("--drift", help="Plan every environment, to know of drift now.")] = False,
    remote: RemoteName = "origin",
) -> None:
    """Show what runs where: commit, release, digest, champion, last runs and drift of every environment.

    Drift is what the last report in this clone says of the same deployment, unless it is looked at now. Exit code 1 if
    an environment cannot be reached; the others are shown.
    """
    from ci.release.drift import drift_now, drift_reported
    from ci.release.render import status_table
    from ci.release.status import statuses

    line = load_line()
    with console.waiting("asking the environments"):
        asked = _ask(remote, line)
        known = releases(asked)
        found = statuses(line.environments, asked, known, drift_now if drift else drift_reported)
    if json_file is not None:
        content = {
            "at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "releases": [release.tag for release in known],
            "environments": [each.model_dump(mode="json") for each in found],
        }
        json_file.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    console.show(status_table(found))
    if any(each.problem for each in found):
        raise typer.Exit(1)


@app.command()
def rollback(
    tag: Tag,
    environment: Annotated[str | None, typer.Option(help="Environment that runs releases; the line's last.")] = None,
    approved: Annotated[str | None, typer.Option(metavar="DIGEST", help="Digest of the approved plan.")] = None,
    plan_file: Annotated[Path | None, typer.Option("--plan", help="The approved plan.json.")] = None,
    approver: Annotated[str | None, typer.Option(help="Who approved it: name or mail; not the author.")] = None,
    author: Annotated[str | None, typer.Option(help="Who rolls back, as 'Name <mail>'; else git's user.")] = None,
    destroys: Annotated[
        list[str] | None, typer.Option(help="Address of an object with data that may go; may be repeated.")
    ] = None,
    only: Only = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask, where no approval is demanded.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check and plan it; nothing is changed.")] = False,
    remote: RemoteName = "origin",
) -> None:
    """Restore an earlier release: its tree by a further commit on release, its stacks, and its model as champion.

    All or nothing. Refused, with nothing changed, where its model was deleted, where its stacks cannot be planned or
    break a rule of the gate, and without the approval that the environment demands: --dry-run shows the plan and its
    digest. A step that fails is put back with all before it; interrupted, the same command goes on. No job is trained:
    hooks for changed code do not run. Exit codes: 0 restored, 1 refused or put back, 4 restored, but a hook failed.
    """
    from ci.apply.report import report_as_text
    from ci.plan.render import plan_as_text
    from ci.release.render import rollback_as_text
    from ci.release.rollback import prepare as prepare_rollback
    from ci.release.rollback import roll_back
    from ci.release.scene import Wish

    wish = Wish(
        tag,
        approved=approved,
        plan_file=plan_file,
        approver=approver,
        author=author,
        destroys=tuple(destroys or ()),
        kinds=chosen(only),
        agreed=lambda plan: yes or agreed(plan, "Roll back to this?"),
    )
    with _scene(environment, remote) as scene:
        if dry_run:
            prepared = prepare_rollback(scene, wish)
            console.plain(rollback_as_text(prepared))
            console.plain(plan_as_text(prepared.plan).rstrip("\n"))
            return
        end_in_order()
        report = roll_back(scene, wish)
    console.plain(report_as_text(report).rstrip("\n"))
    if report.deployment.due_hooks:
        console.problem(f"{tag} is restored, but not every hook succeeded")
        raise typer.Exit(HOOK_FAILED)


@contextmanager
def _scene(environment: str | None, remote: str) -> Iterator[Scene]:
    """What a rollback of the environment works on; Terraform's words go to a file."""
    from ci.apply.clients import client_of
    from ci.release.scene import Scene
    from ci.terraform.credentials import Credentials

    line, credentials = load_line(), Credentials()
    settings = line.find(environment or line.target.environment)
    if settings.branch != line.release:
        raise Trouble(f"{settings.environment} runs {settings.branch}: only what runs {line.release} is rolled back")
    log_file = ROOT / ".branchline" / "apply" / f"rollback-{settings.environment}.log"
    log_file.parent.mkdir(parents=True, exist_ok=True)
    client = client_of(settings, "project", credentials)
    with log_file.open("w", encoding="utf-8", buffering=1) as log:
        yield Scene(
            settings,
            client,
            credentials,
            remote,
            say=lambda line: console.err.print(line, highlight=False),
            log=lambda line: print(line, file=log),
        )


def _ask(remote: str, line: Line) -> Remote:
    return Remote.ask(ROOT, remote, line.branches)
