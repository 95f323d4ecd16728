"""What was approved, and by whom: refused where it is another commit's plan, another plan, or the author's own word."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from ci.errors import Trouble
from ci.plan.files import read_plan
from ci.plan.model import Change, Plan
from ci.plan.words import field_in_words
from ci.repository import ROOT, find_commit, git, is_ancestor

_DIGEST = re.compile(r"[0-9a-f]{64}")
_NOREPLY = re.compile(r"(?:\d+\+)?([\w-]+(?:\[bot\])?)@users\.noreply\.github\.com")
_LISTED = 12


@dataclass(frozen=True)
class Approval:
    """An approved plan's digest; the plan itself where its file was given or is among the commit's evidence."""

    digest: str
    plan: Plan | None = None


def find_approval(
    environment: str, commit: str, digest: str | None, file: Path | None, root: Path = ROOT
) -> Approval | None:
    """The approval that `--approved` or `--plan` names; None where neither is given.

    Raises Trouble where it is not of this commit, where the two disagree, or where the file was changed.
    """
    if digest is not None and not _DIGEST.fullmatch(digest):
        raise Trouble(f"--approved {digest}: expected the 64 characters that 'branchline plan' prints as digest")
    if file is not None:
        plan = read_plan(file)
        if environment not in plan.environments:
            raise Trouble(f"{file} is a plan of {', '.join(plan.environments)}, not of {environment}")
        _require_commit(plan, commit, str(file))
        found = plan.digest(environment)
        if digest not in (None, found):
            raise Trouble(f"--approved names another plan than {file}, whose digest of {environment} is {found}")
        return Approval(found, plan)
    if digest is None:
        return None
    for path, plan in _plans_in_evidence(root):
        if environment in plan.environments and plan.digest(environment) == digest:
            _require_commit(plan, commit, str(path))
            return Approval(digest, plan)
    return Approval(digest)


def require_other_person(approver: str | None, authors: Collection[str]) -> None:
    """Raises Trouble if the approver is one of the authors (`Name <mail>`, a name or a mail; case does not count)."""
    if approver is None:
        return
    given = _identities(approver)
    for author in authors:
        if given & _identities(author):
            raise Trouble(
                f"{approver} approved a change of their own ({author} is an author of it): somebody else has to"
            )


def authors_of(root: Path, commit: str, since: str | None) -> list[str]:
    """`Name <mail>` of everybody who wrote what is deployed anew, co-authors too.

    `since` is the commit deployed before; where the clone does not have it, or it is not an ancestor, the commit's own
    authors count, and with a merge those of what it merged.
    """
    known = since and since != commit and find_commit(root, since)
    selected = [f"{since}..{commit}"] if known and is_ancestor(root, str(since), commit) else _of_one(root, commit)
    listed = git(root, "log", "--format=%an <%ae>%n%(trailers:key=Co-authored-by,valueonly)", *selected)
    return list(dict.fromkeys(line.strip() for line in listed.splitlines() if line.strip()))


def differences(approved: Plan | None, now: Plan, environment: str) -> str:
    """What is planned now and was not approved, and the other way round, for a refusal."""
    if approved is None:
        return (
            "What differs cannot be told: the approved plan is neither given (--plan) nor among this clone's evidence."
            f" Compare it with 'branchline plan {environment}'."
        )
    lines = list(_difference_lines(approved.of(environment), now.of(environment)))
    more = [f"… and {len(lines) - _LISTED} more"] if len(lines) > _LISTED else []
    return "\n".join(["What differs from the approved plan:", *(f"  {line}" for line in [*lines[:_LISTED], *more])])


def _difference_lines(approved: Plan, now: Plan) -> Iterator[str]:
    if approved.ml_code_digest != now.ml_code_digest:
        yield "the ML code is another"
    before = {stack.stack: stack for stack in approved.stacks}
    for stack in now.stacks:
        known = before.pop(stack.stack, None)
        if known is None:
            yield f"{stack.stack}: was not planned then"
            continue
        if known.stack_digest != stack.stack_digest:
            yield f"{stack.stack}: synthesizes to something else"
        if known.problem and not stack.problem:
            yield f"{stack.stack}: could not be planned then, and can be now"
        elif stack.problem and not known.problem:
            yield f"{stack.stack}: cannot be planned now: {stack.problem.splitlines()[0]}"
        yield from (f"{stack.stack}: {line}" for line in _changed(known.changes, stack.changes))
    for name in before:
        yield f"{name}: was planned then, and is not now"


def _changed(approved: Collection[Change], now: Collection[Change]) -> Iterator[str]:
    then = {change.address: change for change in approved}
    present = {change.address: change for change in now}
    for address in sorted({*then, *present}):
        old, new = then.get(address), present.get(address)
        if old == new:
            continue
        if old is None and new is not None:
            yield f"{new.action} {address} is new"
        elif new is None and old is not None:
            yield f"{old.action} {address} is gone"
        elif old is not None and new is not None:
            yield f"{new.action} {address} (approved: {old.action}): {_fields_that_differ(old, new)}"


def _fields_that_differ(old: Change, new: Change) -> str:
    then = set(map(repr, old.fields))
    words = [field_in_words(field) for field in new.fields if repr(field) not in then]
    return "; ".join(words[:3]) + (f" and {len(words) - 3} more" if len(words) > 3 else "") or "fewer fields"


def _plans_in_evidence(root: Path) -> Iterator[tuple[Path, Plan]]:
    for path in sorted((root / ".branchline" / "evidence").glob("*/plan.json")):
        try:
            yield path, read_plan(path)
        except Trouble:
            continue  # the evidence of other commits may be of other versions


def _require_commit(plan: Plan, commit: str, source: str) -> None:
    if plan.commit != commit:
        raise Trouble(
            f"{source} is the plan of commit {plan.commit[:12]}, and checked out is {commit[:12]}:"
            " an approval holds for its own commit only; plan this one and have it approved"
        )


def _identities(person: str) -> set[str]:
    """A person's name, mail and, where the mail is a private one of GitHub's, login: each by itself, in lower case."""
    name, _, rest = person.partition("<")
    parts = {part.strip().lower() for part in (name, rest.partition(">")[0]) if part.strip()}
    logins = {found[1] for part in parts if (found := _NOREPLY.fullmatch(part))}
    return parts | logins


def _of_one(root: Path, commit: str) -> list[str]:
    parents = git(root, "show", "--no-patch", "--format=%P", commit).split()
    return [f"{parents[0]}..{commit}"] if len(parents) > 1 else ["-1", commit]
