"""Git: which commit a branch stands for, and that commit's files in a folder of the run's own."""

from __future__ import annotations

import ast
import os
import subprocess
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_MAX_SCANNED = 500
# CPython 3.11 counts the depth of all parsers in one place: two at once end in "recursion depth mismatch".
_PARSING = threading.Lock()


class CheckoutError(Exception):
    """The code of a run cannot be had; the message says why."""


class Repositories:
    """Git URLs and the local repositories that stand for them."""

    def __init__(self, mapping: Mapping[str, str]) -> None:
        self._mapping = {_normal(url): path for url, path in mapping.items()}

    def locate(self, url: str) -> Path:
        """The git directory that stands for `url`; raises CheckoutError."""
        path = self._mapping.get(_normal(url))
        if path is None:
            raise CheckoutError(
                f"no local repository stands for {url}: start the workspace with one"
                " ('branchline workspace up --repo PATH')"
            )
        found = _git("-C", path, "rev-parse", "--absolute-git-dir")
        if found.returncode != 0:
            raise CheckoutError(f"{path}, which stands for {url}, is no git repository: {_words(found)}")
        return Path(found.stdout.decode().strip())

    def resolve(self, source: Mapping[str, Any]) -> str:
        """The commit that a `git_source` means now; raises CheckoutError where it means none."""
        url = str(source["git_url"])
        git_dir = self.locate(url)
        for field, what, names in (
            ("git_branch", "branch", ("refs/heads/{}", "refs/remotes/origin/{}")),
            ("git_tag", "tag", ("refs/tags/{}",)),
            ("git_commit", "commit", ("{}",)),
        ):
            wanted = source.get(field)
            if not wanted:
                continue
            for name in names:
                revision = f"{name.format(wanted)}^{{commit}}"
                found = _git(f"--git-dir={git_dir}", "rev-parse", "--verify", "--quiet", "--end-of-options", revision)
                if found.returncode == 0:
                    return found.stdout.decode().strip()
            raise CheckoutError(f"{what} {wanted!r} does not exist in {url}")
        raise CheckoutError(f"the git source {url} names no branch, tag or commit")

    def check_out(self, url: str, commit: str, folder: Path) -> None:
        """Writes a commit's files, without git's own, into a new folder."""
        git_dir = self.locate(url)
        folder.mkdir(parents=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            environment = {"GIT_INDEX_FILE": str(Path(scratch) / "index")}
            base = (f"--git-dir={git_dir}", f"--work-tree={folder}")
            for step in (("read-tree", commit), ("checkout-index", "--all", "--force", f"--prefix={folder}/")):
                done = _git(*base, *step, environment=environment)
                if done.returncode != 0:
                    raise CheckoutError(f"cannot check out {commit[:12]} of {url}: {_words(done)}")


def imported_packages(entry: Path, root: Path) -> list[str]:
    """Modules that the code of `entry`'s folder imports and that the checkout at `root` does not hold itself.

    What lies elsewhere in the checkout is left out: the entry file of a task does not import a repository's tools.
    """
    pattern = "*.py" if entry.parent == root else "**/*.py"
    files = sorted(entry.parent.glob(pattern))[:_MAX_SCANNED]
    own = {file.stem for file in files} | {item.name for item in root.iterdir()}
    found: set[str] = set()
    for file in files:
        try:
            with _PARSING:
                tree = ast.parse(file.read_bytes())
        except (SyntaxError, ValueError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                found.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module)
    return sorted(name for name in found if name.partition(".")[0] not in own)


def _git(*arguments: str, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[bytes]:
    # In a git hook GIT_DIR and the like name the hook's repository.
    own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return subprocess.run(
        ["git", *arguments],
        capture_output=True,
        check=False,
        env={**own, "GIT_TERMINAL_PROMPT": "0", **(environment or {})},
    )


def _words(done: subprocess.CompletedProcess[bytes]) -> str:
    return done.stderr.decode(errors="replace").strip()


def _normal(url: str) -> str:
    return url.rstrip("/").removesuffix(".git").lower()
