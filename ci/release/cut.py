"""Cutting a release: the release branch moves forward to main's tree, with a tag, notes and the evidence."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ci.apply.clients import client_of
from ci.deployments.record import Deployment
from ci.deployments.store import Deployments
from ci.errors import Trouble
from ci.release import evidence, green
from ci.release.changes import MergedChange, merged_changes
from ci.release.ledger import Release, read_record, refs_of, releases, write_record
from ci.release.line import Line
from ci.release.models import Models
from ci.release.notes import changelog_since, release_notes
from ci.release.objects import write_commit, write_tree
from ci.release.remote import PushRefused, Remote
from ci.repository import git
from ci.terraform.credentials import Credentials
from infra.workspace.launch import LaunchError

_CHANGELOG = "CHANGELOG.md"
_VERSION = re.compile(r"v\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?")
_DATED = re.compile(r"release-\d{4}\.\d{2}\.\d{2}-[1-9]\d*")


@dataclass(frozen=True)
class Proof:
    """What the environment in which main is proven knows: its newest deployment, and the verdicts on main's models."""

    latest: Deployment | None
    verdicts: Sequence[Mapping[str, str]] = ()


@dataclass(frozen=True)
class Cut:
    """What a cut makes. `merged` says that release had commits of a rollback, so that a merge joins it to main."""

    release: Release
    notes: str
    changes: Sequence[MergedChange]
    files: Mapping[str, bytes]
    merged: bool

    @property
    def missing(self) -> list[str]:
        """The expected evidence that is not there."""
        return evidence.missing(self.files)


def proof_of(remote: Remote, line: Line) -> Proof:
    """Asks that environment's workspace; raises Trouble, or the SDK's errors, where it cannot be asked."""
    settings, tip = line.proven, remote.branch(line.main)
    try:
        client = client_of(settings, "project", Credentials())
    except (LaunchError, Trouble) as error:
        raise Trouble(f"nothing was cut, as {line.main} is not known to be green: {error}") from error
    trained = Models(client, settings.model_full_name).made_by(tip) if tip else []
    verdicts = [
        {"model": settings.model_full_name, "version": str(version.number), "verdict": version.verdict}
        for version in trained
    ]
    return Proof(Deployments(client, settings).latest(), verdicts)


def prepare(
    remote: Remote,
    line: Line,
    proof: Proof,
    *,
    tag: str | None = None,
    now: datetime | None = None,
) -> Cut:
    """Everything that the push will move, as objects of this clone that nothing points to yet.

    Raises Trouble: main is red, release has content that main never had, there is nothing to release, or the tag
    cannot be used.
    """
    tip, before, known = remote.branch(line.main), remote.branch(line.release), releases(remote)
    if tip is None:
        raise Trouble(f"{remote.name} has no branch {line.main}: there is nothing to release from")
    _refuse_released(tip, before, known, line)
    chosen = _usable(tag, remote) if tag else _next_dated(remote, now or datetime.now(UTC))
    foreign = content_of_its_own(remote.repository, tip, before)
    if foreign:
        listed = "\n".join(f"- {commit}" for commit in foreign)
        raise Trouble(
            f"{line.release} has content that {line.main} never had, so nothing was cut:\n{listed}\n"
            f"merge these commits to {line.main} by a pull request, then cut again"
        )
    red = green.what_is_red(remote.repository, tip, line.proven.environment, proof.latest)
    if red:
        reasons = "\n".join(f"- {reason}" for reason in red)
        raise Trouble(f"{line.main} ({tip[:12]}) is red, so nothing was cut:\n{reasons}")
    return _make(remote, line, tip, before, known, chosen, proof.verdicts)


def publish(remote: Remote, line: Line, cut: Cut) -> None:
    """Pushes branch, tag, evidence and ledger at once. Raises Trouble where somebody else was faster."""
    refs = refs_of(remote.repository, cut.release, line.release)
    try:
        remote.push(refs)
    except PushRefused as error:
        raise Trouble(
            f"{cut.release.tag} was not cut: {remote.name} refused the push, and nothing of it has moved.\n"
            f"If another release was cut meanwhile, look at it and cut again: branchline release status\n{error}"
        ) from error
    git(remote.repository, "update-ref", f"refs/tags/{cut.release.tag}", refs[f"refs/tags/{cut.release.tag}"])


def unfinished(remote: Remote, line: Line) -> Release | None:
    """The newest release, where a push without a transaction ended before tag, evidence and branch had moved."""
    for newest in releases(remote)[-1:]:
        branch = remote.branch(line.release)
        arrived = branch is not None and _is_ancestor(remote.repository, newest.commit, branch)
        if not arrived or remote.tag(newest.tag) is None or remote.evidence(newest.tag) is None:
            return newest
    return None


def complete(remote: Remote, line: Line, release: Release) -> None:
    """Pushes what is missing of a release that is in the ledger already. Raises PushRefused."""
    remote.push(refs_of(remote.repository, release, line.release))


def content_of_its_own(repository: Path, main: str, release: str | None) -> list[str]:
    """Commits of release, and not of main, whose tree no commit of main ever had; as hash and subject.

    A rollback restores a tree of main, and a cut after it has main's: neither is content of its own, so a cut that
    sets release to main's tree loses nothing.
    """
    if release is None:
        return []
    apart = git(repository, "log", "--format=%T %h %s", release, f"^{main}").splitlines()
    if not apart:
        return []
    trees = set(git(repository, "log", "--format=%T", main).split())
    return [rest for tree, _, rest in (line.partition(" ") for line in apart) if tree not in trees]


def in_force(repository: Path, tip: str | None, known: Sequence[Release]) -> Release | None:
    """The newest release whose tree the release branch has: after a rollback, an earlier one."""
    if tip is None:
        return None
    tree = _tree(repository, tip)
    return next((release for release in reversed(known) if _tree(repository, release.commit) == tree), None)


def _refuse_released(tip: str, before: str | None, known: Sequence[Release], line: Line) -> None:
    past = next((release for release in reversed(known) if release.source == tip), None)
    if past is None:
        return
    if before == past.commit:
        raise Trouble(f"nothing to release: {line.main} is at {tip[:12]}, which was released as {past.tag}")
    raise Trouble(
        f"nothing to release: {line.main} is at {tip[:12]}, which was released as {past.tag} and rolled back since;"
        f" merge what mends it, or restore it: branchline release rollback {past.tag}"
    )


def _usable(tag: str, remote: Remote) -> str:
    if not _VERSION.fullmatch(tag) and not _DATED.fullmatch(tag):
        raise Trouble(f"--tag {tag}: expected vX.Y.Z, or release-YYYY.MM.DD-N as without --tag")
    if tag in remote.tags:
        raise Trouble(f"tag {tag} exists at {remote.name} already ({(remote.tag(tag) or '')[:12]}): choose another")
    return tag


def _next_dated(remote: Remote, now: datetime) -> str:
    day = f"release-{now.astimezone(UTC):%Y.%m.%d}-"
    taken = [int(tag.removeprefix(day)) for tag in remote.tags if tag.startswith(day) and _DATED.fullmatch(tag)]
    return f"{day}{max(taken, default=0) + 1}"


def _make(
    remote: Remote,
    line: Line,
    tip: str,
    before: str | None,
    known: Sequence[Release],
    tag: str,
    verdicts: Sequence[Mapping[str, str]],
) -> Cut:
    repository = remote.repository
    last = in_force(repository, before, known)
    base = last.source if last else _common(repository, before, tip)
    changes = merged_changes(repository, base, tip)
    undone = [release.tag for release in known[known.index(last) + 1 :]] if last else []
    remark = None
    if last and undone:
        remark = f"{line.release} had been rolled back to {last.tag}: what {', '.join(undone)} brought comes again."
    notes = release_notes(changes, _changelog(repository, base, tip, tag), remark)
    files = evidence.evidence_files(repository, tip, changes, verdicts)
    merged = before is not None and not _is_ancestor(repository, before, tip)
    commit = tip
    if merged and before is not None:
        commit = write_commit(
            repository,
            _tree(repository, tip),
            [before, tip],
            f"Release {tag}\n\nThe tree is that of {line.main} at {tip}; the first parent is {line.release} before.\n",
        )
    message = _message(tag, notes, files, tip)
    record = write_record(repository, remote.ledger, commit, write_tree(repository, files), message)
    return Cut(read_record(repository, record), notes, changes, files, merged)


def _message(tag: str, notes: str, files: Mapping[str, bytes], source: str) -> str:
    lines = [f"  {line}" for line in evidence.listing(files)] or ["  none"]
    attached = "\n".join(["Evidence (SHA-256):", "", *lines])
    return f"Release {tag}\n\n{notes}\n\n{attached}\n\nRelease: {tag}\nSource-Commit: {source}\n"


def _changelog(repository: Path, base: str | None, tip: str, tag: str) -> list[str]:
    return changelog_since(_text(repository, tip, _CHANGELOG), _text(repository, base, _CHANGELOG) if base else "", tag)


def _text(repository: Path, commit: str, path: str) -> str:
    try:
        return git(repository, "show", f"{commit}:{path}")
    except Trouble:
        return ""


def _common(repository: Path, before: str | None, tip: str) -> str | None:
    """Where a release branch from before the first cut stands on main; None where it is main itself, or not there."""
    if before is None or before == tip:
        return None
    return git(repository, "merge-base", before, tip)


def _tree(repository: Path, commit: str) -> str:
    return git(repository, "rev-parse", f"{commit}^{{tree}}")


def _is_ancestor(repository: Path, earlier: str, later: str) -> bool:
    return git(repository, "merge-base", earlier, later) == earlier
