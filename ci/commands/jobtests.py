"""`branchline jobtests`: jobs run for real, and their results held against earlier ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from ci import console, evidence
from ci.consent import require_consent
from ci.errors import Trouble
from ci.jobtests.baselines import Outcome, accept, baseline, keep, last
from ci.jobtests.compare import Comparison, compare
from ci.jobtests.execute import RunFailed, execute
from ci.jobtests.spec import JobTest, read_specs
from ci.options import As
from ci.repository import ROOT, find_commit, git
from ci.target import find_target
from infra.settings import load_settings

_DIFFERS = 3

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Test jobs by their results; specs: tests/jobs.")

Names = Annotated[
    list[str] | None, typer.Argument(metavar="[TEST…]", help="Specs of tests/jobs; all if none is named.")
]


@app.command()
def run(
    names: Names = None,
    commit: Annotated[
        str | None, typer.Option(help="Run this commit's code; without it, what the deployed jobs run.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the comparison for programs.")] = None,
    principal: As = None,
) -> None:
    """Submit each test's jobs as one-time runs, wait, and compare the results with the accepted ones.

    Exit code 0: all within tolerance; 3: a run failed, a result differs, or none was accepted yet; 1: trouble.
    """
    pinned = None
    if commit is not None:
        pinned = find_commit(ROOT, commit)
        if pinned is None:
            raise Trouble(f"commit {commit!r} is not in this clone")
    report: dict[str, object] = {}
    passed = True
    for test in read_specs(names or []):
        compared = _run(test, pinned, principal)
        passed = passed and compared is not None and all(each.passed for each in compared)
        report[test.name] = [_plain(each) for each in compared or []]
    text = json.dumps({"passed": passed, "tests": report}, indent=2) + "\n"
    evidence.keep(git(ROOT, "rev-parse", "HEAD"), "jobtests.json", text)
    if json_file is not None:
        json_file.write_text(text, encoding="utf-8")
    if not passed:
        raise typer.Exit(_DIFFERS)


@app.command("accept")
def accept_(names: Names = None, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Show how the last results differ from the accepted ones, and make them the new baseline: commit the file."""
    for test in read_specs(names or []):
        found = last(test.name)
        if found is None:
            raise Trouble(f"{test.name} has no results on this machine: 'branchline jobtests run {test.name}' first")
        changed = [each for each in _compared(test, found) if not each.passed or each.before != each.now]
        if not changed:
            console.out.print(f"{test.name}: nothing to accept")
            continue
        for each in changed:
            console.plain(
                f"{test.name}  {'~' if each.known and each.there else '+' if each.there else '-'} {each.in_words()}"
            )
        require_consent(
            f"Accept these {len(changed)} values for {test.name}?",
            given=yes,
            unattended="accepting changes what counts as right: without a terminal to ask at, say --yes",
        )
        console.out.print(f"{accept(test.name, found)} is written: review and commit it")


def _run(test: JobTest, commit: str | None, principal: str | None) -> list[Comparison] | None:
    """The comparison, told as well; None if a run failed."""
    target = find_target(principal=principal)
    settings = load_settings(test.environment)
    try:
        with console.progress(f"testing {test.name}") as say:
            outcome = execute(target, settings, test, commit=commit, say=say)
    except RunFailed as failed:
        console.problem(str(failed))
        return None
    keep(test.name, outcome)
    compared = _compared(test, outcome)
    for each in compared:
        console.plain(f"{test.name}  {'ok   ' if each.passed else 'DIFFERS'} {each.in_words()}")
    if baseline(test.name) is None:
        console.warning(f"{test.name} has no accepted results yet: 'branchline jobtests accept {test.name}'")
    return compared


def _compared(test: JobTest, outcome: Outcome) -> list[Comparison]:
    accepted = baseline(test.name)
    return compare(test, accepted.values if accepted else {}, outcome.values)


def _plain(each: Comparison) -> dict[str, object]:
    return {
        "name": each.name, "before": each.before, "now": each.now, "allowed": each.allowed, "passed": each.passed,
    }  # fmt: skip
