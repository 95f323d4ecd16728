"""approvals.yaml judged: complete, approved by somebody else than who wrote it, and enough for the settings."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import date, timedelta
from pathlib import Path

from ci.errors import Trouble
from ci.gate.history import writers
from infra.settings.errors import did_you_mean
from infra.settings.marketplace import Wanted

FILE = Path("ml_code/marketplace/approvals.yaml")
"""From the repository's root."""
LONGEST_DAYS = 366
"""An approval ends within a year; whoever still needs the model has it approved anew."""
_READER = "ml_code.platform.marketplace.governance.check"


@dataclass(frozen=True)
class Approval:
    """One entry, as the ML code reads it, and its lines in the file."""

    model: str
    principals: tuple[str, ...]
    workspaces: tuple[str, ...]
    versions: tuple[int, ...]
    until: date
    approved_by: str
    reason: str
    first_line: int
    last_line: int


@dataclass(frozen=True)
class Judgement:
    """The approvals of a checkout, what is wrong with them, and what is only worth knowing."""

    approvals: Sequence[Approval]
    problems: Sequence[str]
    notes: Sequence[str]


def judge_approvals(root: Path, consumers: dict[str, Sequence[Wanted]], today: date) -> Judgement:
    """Judges the file of the checkout at `root`; `consumers` are the settings' workspaces and what they want."""
    approvals, problems = read_approvals(root)
    if problems:
        return Judgement(approvals, problems, ())
    found = [problem for each in approvals for problem in _wrong(each, root, consumers, today)]
    found += _missing(approvals, consumers, today)
    notes = [
        f"{FILE}:{each.first_line}: {each.model} for {', '.join(each.principals)} ended on {each.until}: it is taken"
        " back; remove the entry"
        for each in approvals
        if each.until < today
    ]
    return Judgement(approvals, found, notes)


def read_approvals(root: Path) -> tuple[list[Approval], list[str]]:
    """The entries, or everything that is wrong with the file. The checkout's ML code reads it, as a process."""
    done = subprocess.run(
        [sys.executable, "-m", _READER, str(root)], cwd=root, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise Trouble(f"{FILE} cannot be read: {done.stderr.strip().splitlines()[-1:] or done.returncode}")
    answer = json.loads(done.stdout)
    return [_approval(each) for each in answer["approvals"]], list(answer["problems"])


def _approval(found: dict[str, object]) -> Approval:
    values = {field.name: found[field.name] for field in fields(Approval)}
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    return Approval(**{**values, "until": date.fromisoformat(str(found["until"]))})  # type: ignore[arg-type]  # the reader has checked them


def _wrong(approval: Approval, root: Path, consumers: Collection[str], today: date) -> Iterator[str]:
    place = f"{FILE}:{approval.first_line}: {approval.model}"
    if approval.until > today + timedelta(days=LONGEST_DAYS):
        yield f"{place}: until {approval.until} is more than a year ahead"
    for name in approval.workspaces:
        if name not in consumers:
            yield f"{place}: infra/settings/marketplace.yaml has no workspace {name!r}{did_you_mean(name, consumers)}"
    wrote = writers(root, FILE, approval.first_line, approval.last_line)
    if wrote is None:
        yield f"{place}: this shallow clone does not tell who wrote the entry: fetch the whole history"
    elif approval.approved_by.lower() in wrote:
        yield f"{place}: {approval.approved_by} wrote the entry and cannot approve it"


def _missing(approvals: Sequence[Approval], consumers: dict[str, Sequence[Wanted]], today: date) -> Iterator[str]:
    """What the settings bring without an approval."""
    for workspace, wanted in consumers.items():
        for each in wanted:
            holding = [
                approval
                for approval in approvals
                if approval.model == each.model and workspace in approval.workspaces and today <= approval.until
            ]
            if not holding:
                yield (
                    f"infra/settings/marketplace.yaml: {workspace} wants {each.model}, which is not approved for it:"
                    f" approve it in {FILE}, or take it out"
                )
            elif each.version and all(approval.versions for approval in holding):
                allowed = sorted({number for approval in holding for number in approval.versions})
                if each.version not in allowed:
                    yield (
                        f"infra/settings/marketplace.yaml: {workspace} wants version {each.version} of {each.model};"
                        f" approved are {', '.join(map(str, allowed))}"
                    )
