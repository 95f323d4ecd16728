"""Git's objects, written without a work tree: nothing that is checked out matters, and nothing points to them yet."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from ci.errors import Trouble
from ci.repository import git

_FOLDER, _FILE = "040000", "100644"


def write_tree(repository: Path, files: Mapping[str, bytes]) -> str:
    """The tree of files by their path (`a/b.json`); returns its hash."""
    entries = []
    folders: dict[str, dict[str, bytes]] = {}
    for path, content in files.items():
        name, slash, rest = path.partition("/")
        if slash:
            folders.setdefault(name, {})[rest] = content
        else:
            blob = _write(repository, content, "hash-object", "-w", "--stdin")
            entries.append(f"{_FILE} blob {blob}\t{name}")
    for name, inner in folders.items():
        entries.append(f"{_FOLDER} tree {write_tree(repository, inner)}\t{name}")
    return _write(repository, "".join(f"{entry}\n" for entry in entries).encode(), "mktree")


def write_commit(
    repository: Path, tree: str, parents: Sequence[str], message: str, variables: Mapping[str, str] | None = None
) -> str:
    """A commit that no branch has yet; `variables` may name author, committer and their dates, as git's own do."""
    lineage = [part for parent in parents for part in ("-p", parent)]
    return _write(repository, message.encode(), "commit-tree", tree, *lineage, variables=variables)


def write_tag(repository: Path, name: str, commit: str, record: str) -> str:
    """An annotated tag's object, without a ref: message, tagger and moment are those of the commit `record`."""
    described = git(repository, "show", "--no-patch", "--format=%cn <%ce> %cd%n%B", "--date=raw", record)
    tagger, _, message = described.partition("\n")
    text = f"object {commit}\ntype commit\ntag {name}\ntagger {tagger}\n\n{message.strip()}\n"
    return _write(repository, text.encode(), "mktag")


def read_file(repository: Path, revision: str, path: str) -> bytes:
    """A file as it is in a revision, byte for byte."""
    return _run(repository, b"", "cat-file", "blob", f"{revision}:{path}")


def _write(repository: Path, content: bytes, *arguments: str, variables: Mapping[str, str] | None = None) -> str:
    return _run(repository, content, *arguments, variables=variables).decode().strip()


def _run(repository: Path, content: bytes, *arguments: str, variables: Mapping[str, str] | None = None) -> bytes:
    done = subprocess.run(
        ["git", "-C", str(repository), *arguments],
        input=content,
        capture_output=True,
        check=False,
        env={**os.environ, **(variables or {})},
    )
    if done.returncode != 0:
        raise Trouble(f"git {arguments[0]}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout
