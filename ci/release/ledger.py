"""The releases that were cut, as the remote tells them.

Each is a commit of the ledger (see `ci.release.remote`): its first parent is the release before, its second the commit
that was released, its tree the evidence, its message that of the tag. So the tag, the branch and the evidence's ref can
all be made again from it.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ci.errors import Trouble
from ci.release.objects import write_commit, write_tag, write_tree
from ci.release.remote import EVIDENCE, LEDGER, Remote
from ci.repository import git

_RECORD, _FIELD = "\x1e", "\x1f"
_FORMAT = _RECORD + _FIELD.join(
    (
        "%H",
        "%P",
        "%cI",
        "%cn <%ce>",
        "%(trailers:key=Release,valueonly)",
        "%(trailers:key=Source-Commit,valueonly)",
        "%B",
    )
)


@dataclass(frozen=True)
class Release:
    """One release. `source` is the commit of main whose tree it has; `commit` differs from it after a rollback."""

    tag: str
    commit: str
    source: str
    record: str
    cut_at: str
    cut_by: str
    message: str


def releases(remote: Remote) -> list[Release]:
    """Oldest first."""
    if remote.ledger is None:
        return []
    shown = git(remote.repository, "log", "--first-parent", "--reverse", f"--format={_FORMAT}", remote.ledger)
    return [found for found in map(_read, shown.split(_RECORD)[1:]) if found]


def find_release(remote: Remote, tag: str, known: Sequence[Release]) -> Release:
    """The release of a tag; raises Trouble if it was never cut, or if its tag is gone or was moved since."""
    found = next((release for release in known if release.tag == tag), None)
    if found is None:
        tags = [release.tag for release in known]
        near = difflib.get_close_matches(tag, tags, n=1)
        listed = f"did you mean {near[0]}?" if near else f"released: {', '.join(reversed(tags)) or 'nothing yet'}"
        raise Trouble(f"{tag} was not cut by 'branchline release cut' at {remote.name}; {listed}")
    now = remote.tag(tag)
    if now != found.commit:
        happened = f"names {now[:12]} now" if now else "is gone"
        raise Trouble(
            f"tag {tag} {happened} at {remote.name}, it was cut at {found.commit[:12]} ({found.cut_at});"
            f" put it back first: git push {remote.name} {found.commit[:12]}:refs/tags/{tag}"
        )
    return found


def write_record(repository: Path, before: str | None, commit: str, evidence: str, message: str) -> str:
    """The ledger's next commit; the first one stands on an empty commit, so that every record has both parents."""
    root = before or write_commit(repository, write_tree(repository, {}), [], "Releases of this repository\n")
    return write_commit(repository, evidence, [root, commit], message)


def refs_of(repository: Path, release: Release, branch: str) -> dict[str, str]:
    """What a push of the release moves; the ledger first (see Remote.push)."""
    return {
        LEDGER: release.record,
        EVIDENCE + release.tag: release.record,
        f"refs/tags/{release.tag}": write_tag(repository, release.tag, release.commit, release.record),
        f"refs/heads/{branch}": release.commit,
    }


def read_record(repository: Path, record: str) -> Release:
    """A commit of the ledger as a release; raises Trouble if it is none."""
    shown = git(repository, "show", "--no-patch", f"--format={_FORMAT}", record)
    found = _read(shown.removeprefix(_RECORD))
    if found is None:
        raise Trouble(f"{record} is no record of a release")
    return found


def _read(record: str) -> Release | None:
    hash, parents, at, by, tag, source, message = record.split(_FIELD)
    lineage = parents.split()
    if not tag.strip() or len(lineage) < 2:
        return None
    return Release(tag.strip(), lineage[1], source.strip(), hash, at, by, message.strip() + "\n")
