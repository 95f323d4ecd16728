"""The check of requests for models from outside: the checkout's ML code does it, as a process, and this tells it."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from ci import console
from ci.errors import Trouble
from ci.markdown import cell, details
from ci.repository import ROOT, git

REQUESTS = "ml_code/marketplace/requests"
POLICY = "ml_code/marketplace/intake.yaml"
REFUSED = 3

_CHECK = "ml_code.platform.marketplace.intake"
_MOST_FILES = 50
_STYLES = {"accepted": "green", "refused": "bold red", "failed": "yellow"}

Report = Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """What a branch changes: names of requests, and whether the rules that they are judged by."""

    requests: Sequence[str]
    policy: bool


def check(
    names: Annotated[list[str] | None, typer.Argument(metavar="[REQUEST…]", help="Requests; by default all.")] = None,
    base: Annotated[str | None, typer.Option(help="Only requests that changed since this commit.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the reports.")] = None,
    markdown_file: Annotated[Path | None, typer.Option("--markdown", help="Write them for a pull request.")] = None,
) -> None:
    """Fetch and check the models that ml_code/marketplace/requests asks for; nothing is taken in.

    Exit codes: 0 accepted, or nothing to check; 1 a request cannot be read or its source does not answer; 3 refused.
    """
    change = changed_since(ROOT, base) if base else Change(tuple(names or ()), policy=False)
    reports = [] if base and not change.requests else run_check(ROOT, change.requests)
    if json_file is not None:
        _write(json_file, json.dumps(reports, indent=2, ensure_ascii=False) + "\n")
    if markdown_file is not None:
        _write(markdown_file, as_markdown(reports, change))
    if change.policy:
        console.warning(f"{POLICY} changes, too: who reviews it decides for every later request")
    if not reports:
        console.out.print("no request to check")
        return
    console.show(as_table(reports))
    for report in reports:
        for finding in report["findings"]:
            console.out.print(Text(f"{report['request']}: {finding['level']}: {_told(finding)}"))
    verdicts = {report["verdict"] for report in reports}
    if verdicts != {"accepted"}:
        raise typer.Exit(REFUSED if "refused" in verdicts else 1)


def changed_since(root: Path, base: str) -> Change:
    """Requests that HEAD has and that are new or different since it left `base`."""
    listed = git(root, "diff", "--name-only", "--diff-filter=d", f"{base}...HEAD", "--", REQUESTS, POLICY).splitlines()
    requests = [Path(path).stem for path in listed if path.startswith(f"{REQUESTS}/") and path.endswith(".yaml")]
    return Change(requests, POLICY in listed)


def run_check(root: Path, names: Sequence[str]) -> list[Report]:
    """The reports, in the order of the requests' names. Raises Trouble where a request cannot be read."""
    with tempfile.TemporaryDirectory(prefix="marketplace-") as folder:
        answer = Path(folder) / "reports.json"
        process = subprocess.Popen(
            [sys.executable, "-m", _CHECK, str(root), str(answer), *names], cwd=root, stderr=subprocess.PIPE, text=True
        )
        said: list[str] = []
        with process, console.progress("checking requests") as say:
            for line in process.stderr or ():
                said.append(line.rstrip())
                say(said[-1])
        if process.returncode != 0 or not answer.exists():
            raise Trouble("\n".join(said[-10:]) or f"the check ended with exit code {process.returncode}")
        found: list[Report] = json.loads(answer.read_text(encoding="utf-8"))
    return found


def as_table(reports: Sequence[Report]) -> Table:
    """A line for each request."""
    table = Table("request", "model", "source", "licence", "size", "loading", "verdict")
    for report in reports:
        table.add_row(
            report["request"],
            f"{report['model']} v{report['version']}",
            f"{report['source']}@{report['revision'][:12]}",
            report["licence"],
            _size(report),
            report.get("loaded", {}).get("state", "–"),
            Text(report["verdict"], style=_STYLES[report["verdict"]]),
        )
    return table


def as_markdown(reports: Sequence[Report], change: Change) -> str:
    """The reports as part of a pull request's comment."""
    lines = ["## Models from outside", ""]
    if change.policy:
        lines += [f"**{POLICY} changes with this pull request: it decides for every later request.**", ""]
    if not reports:
        return "\n".join([*lines, "No request to check.", ""])
    lines += ["| request | model | source | licence | size | verdict |", "|---|---|---|---|--:|---|"]
    for report in reports:
        source = f"{report['source']} at {report['revision'][:12]}"
        parts = (report["request"], f"{report['model']} v{report['version']}", source, report["licence"])
        lines.append(f"| {' | '.join(map(cell, parts))} | {_size(report)} | **{report['verdict']}** |")
    for report in reports:
        lines += ["", f"### {cell(report['request'])}", "", *_findings(report), *_files(report)]
    return "\n".join(lines) + "\n"


def _findings(report: Report) -> list[str]:
    lines = [f"- {each['level']}: {cell(_told(each))}" for each in report["findings"]]
    if loaded := report.get("loaded"):
        guards = f" (held by {', '.join(loaded['guards'])})" if loaded["guards"] else ""
        lines.append(f"- loading: {loaded['state']}: {cell(loaded['told'])}{guards}")
    return lines


def _files(report: Report) -> list[str]:
    files = report["files"]
    if not files:
        return []
    rows = [
        f"| {cell(each['path'])} | {each['kind']} | {each['size']:,} | `{each['sha256']}` |"
        for each in files[:_MOST_FILES]
    ]
    more = [f"\n{len(files) - _MOST_FILES} more are in the report."] if len(files) > _MOST_FILES else []
    table = "\n".join(["| file | is | bytes | SHA-256 |", "|---|---|--:|---|", *rows, *more])
    return ["", details(f"{len(files)} files", table)]


def _told(finding: Mapping[str, str]) -> str:
    return f"{finding['file']}: {finding['told']}" if finding["file"] else finding["told"]


def _size(report: Report) -> str:
    size = sum(file["size"] for file in report["files"])
    return f"{size / 2**20:,.1f} MiB" if size else "–"


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
