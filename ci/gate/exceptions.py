"""Exceptions on findings: which hold, which are used, and what is wrong with the others."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from ci.gate.history import writers
from ci.gate.model import Finding, Place, UsedException
from infra.policies.exceptions import EXPIRED, FILE, INVALID, LONGEST_DAYS, UNUSED, Entry, read_exceptions
from infra.policies.policy import Policy


@dataclass(frozen=True)
class Outcome:
    """What is left of the findings, what exceptions cover, and what they cover it by."""

    findings: Sequence[Finding]
    used: Sequence[UsedException]


def apply_exceptions(
    findings: Sequence[Finding], known: Collection[Policy], stacks: Collection[str], root: Path, today: date
) -> Outcome:
    """Takes out the findings that a valid exception covers, and adds what is wrong with exceptions.

    An exception is unused only if its stack was judged: a plan of staging says nothing of prod's.
    """
    entries, problems = read_exceptions(root)
    left = list(findings)
    left += [_finding(INVALID, f"{p.key}: {p.message}" if p.key else p.message, p.line or 1) for p in problems]
    used: list[UsedException] = []
    for entry in entries:
        invalid = list(_invalid(entry, known, root, today))
        left += invalid
        covered = [finding for finding in left if _covers(entry, finding)]
        if invalid:
            continue
        if not covered and entry.exception.resource.partition("/")[0] in stacks:
            text = f"{entry.exception.rule} is not broken by {entry.exception.resource}"
            left.append(_finding(UNUSED, text, entry.first_line))
        used += [_used(entry, finding) for finding in covered]
        left = [finding for finding in left if finding not in covered]
    return Outcome(left, used)


def _invalid(entry: Entry, known: Collection[Policy], root: Path, today: date) -> Iterator[Finding]:
    exception, line = entry.exception, entry.first_line
    policy = next((policy for policy in known if policy.id == exception.rule), None)
    if policy is None and not exception.rule.startswith("CKV"):
        yield _finding(INVALID, f"there is no rule {exception.rule}", line)
    elif policy is not None and not policy.exceptable:
        yield _finding(INVALID, f"{exception.rule} has no exceptions", line)
    if exception.until < today:
        yield _finding(EXPIRED, f"{exception.rule} for {exception.resource} ended on {exception.until}", line)
    elif exception.until > today + timedelta(days=LONGEST_DAYS):
        yield _finding(INVALID, f"{exception.until} is more than a year ahead", line)
    wrote = writers(root, FILE, entry.first_line, entry.last_line)
    if wrote is None:
        yield _finding(INVALID, "this shallow clone does not tell who wrote the entry: fetch the whole history", line)
    elif exception.approver.lower() in wrote:
        yield _finding(INVALID, f"{exception.approver} wrote the entry and cannot approve it", line)


def _covers(entry: Entry, finding: Finding) -> bool:
    return (finding.rule, finding.object) == (entry.exception.rule, entry.exception.resource)


def _used(entry: Entry, finding: Finding) -> UsedException:
    exception = entry.exception
    return UsedException(finding=finding, reason=exception.reason, approver=exception.approver, until=exception.until)


def _finding(policy: Policy, message: str, line: int) -> Finding:
    return Finding(
        rule=policy.id,
        severity=policy.severity,
        refuses=policy.severity.refuses,
        message=message,
        place=Place(file=str(FILE), line=line),
    )
