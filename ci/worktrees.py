"""Other commits' files beside the clone, with the clone's own tools."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ci.errors import Trouble
from ci.repository import ROOT, find_commit, git

_TOOLS = (".venv", "node_modules")
_STATE = Path(".branchline/state")


@contextmanager
def worktree(revision: str, root: Path = ROOT, *, with_state: bool = False) -> Iterator[Path]:
    """A folder with a commit's tree, detached, gone afterwards; raises Trouble if the clone has no such commit.

    It shares the clone's Python and Node packages: a commit with another lock runs with this clone's. `with_state` lets
    it deploy for real: a local backend then writes the clone's own state.
    """
    commit = find_commit(root, revision)
    if commit is None:
        raise Trouble(f"{revision} is no commit of this clone: fetch it first")
    home = root / ".branchline" / "worktrees"
    home.mkdir(parents=True, exist_ok=True)
    path = Path(tempfile.mkdtemp(prefix=f"{commit[:12]}-", dir=home))
    git(root, "worktree", "add", "--quiet", "--force", "--detach", str(path), commit)
    try:
        for name in _TOOLS:
            if (root / name).exists():
                (path / name).symlink_to((root / name).resolve())
        if with_state:
            (root / _STATE).mkdir(parents=True, exist_ok=True)
            (path / _STATE).parent.mkdir(exist_ok=True)
            (path / _STATE).symlink_to((root / _STATE).resolve())
        yield path
    finally:
        # git refuses to remove a worktree with files that it does not know; state and logs of ours are such.
        shutil.rmtree(path, ignore_errors=True)
        git(root, "worktree", "prune")
