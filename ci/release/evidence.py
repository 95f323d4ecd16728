"""The evidence of a release: what commands found out about its commit, and about the changes merged into it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ci.release.changes import MergedChange
from ci.release.ledger import Release
from ci.release.objects import read_file
from ci.repository import git

EXPECTED = ("plan.json", "gate.json", "rehearsal.json", "candidate.json")
"""What a reviewed change has; a release without one of them says so."""

VERDICTS = "verdicts.json"


def evidence_files(
    root: Path, commit: str, changes: Sequence[MergedChange], verdicts: Sequence[Mapping[str, str]]
) -> dict[str, bytes]:
    """Files by path: the commit's own on top, those of each merged branch in `changes/<its last commit>/`."""
    found = _files(root, commit, "")
    for change in changes:
        if change.head:
            found |= _files(root, change.head, f"changes/{change.head}/")
    if verdicts:
        found[VERDICTS] = (json.dumps(list(verdicts), indent=2) + "\n").encode()
    return found


def missing(files: Iterable[str]) -> list[str]:
    """The expected files that neither the commit nor a merged branch has."""
    names = {path.rpartition("/")[2] for path in files}
    return [name for name in EXPECTED if name not in names]


def listing(files: Mapping[str, bytes]) -> list[str]:
    """One line a file: SHA-256 and path, as `sha256sum --check` reads it."""
    return [f"{hashlib.sha256(content).hexdigest()}  {path}" for path, content in sorted(files.items())]


def attached(repository: Path, release: Release) -> list[tuple[str, int]]:
    """Path and size in bytes of every file that a release has."""
    lines = git(repository, "ls-tree", "-r", "--long", release.record).splitlines()
    described = (line.split("\t", 1) for line in lines)
    return [(path, int(facts.split()[3])) for facts, path in described]


def extract(repository: Path, release: Release, target: Path) -> list[Path]:
    """Writes a release's evidence into a folder; returns the files."""
    written = []
    for path, _ in attached(repository, release):
        file = target / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(read_file(repository, release.record, path))
        written.append(file)
    return written


def _files(root: Path, commit: str, prefix: str) -> dict[str, bytes]:
    # Not ci.evidence.folder: looking must not make a folder for every commit that has none.
    folder = root / ".branchline" / "evidence" / commit
    return {
        prefix + str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and not file.name.startswith(".")
    }
