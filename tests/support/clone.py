"""A user's clone of this repo, with its remote: what the end-to-end tests deploy from."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
BRANCHES = ("dev", "main", "release")
_IDENTITY = {
    "GIT_AUTHOR_NAME": "A Scientist",
    "GIT_AUTHOR_EMAIL": "scientist@example.com",
    "GIT_COMMITTER_NAME": "A Scientist",
    "GIT_COMMITTER_EMAIL": "scientist@example.com",
}


class CommandFailed(AssertionError):
    """A command of a user's ended with an error; its output is the message."""


class Clone:
    """The files as they stand in the work tree, committed on three branches, pushed to a bare remote."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "clone"
        self.remote = folder / "remote.git"
        self.path.mkdir(parents=True)
        for name in _files_of_the_work_tree():
            target = self.path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
        for shared in (".venv", "node_modules"):
            (self.path / shared).symlink_to(ROOT / shared)
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(self.remote)], check=True)
        self.git("init", "-q", "-b", "main")
        # The links to the shared tools are not of the project: .gitignore names folders, and a link is none.
        (self.path / ".git/info/exclude").write_text(".venv\nnode_modules\n")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "The project")
        self.git("remote", "add", "origin", str(self.remote))
        for branch in BRANCHES:
            self.git("branch", "-f", branch) if branch != "main" else None
            self.git("push", "-q", "origin", branch)

    def git(self, *arguments: str) -> str:
        return run(["git", *arguments], self.path, {}).strip()

    def commit(self, branch: str, files: Mapping[str, str], message: str = "A change") -> str:
        """Commits files on a branch and pushes it; returns the commit."""
        self.git("checkout", "-q", "-B", branch, *([] if self._has(branch) else ["main"]))
        for name, text in files.items():
            (self.path / name).parent.mkdir(parents=True, exist_ok=True)
            (self.path / name).write_text(text)
            self.git("add", name)
        self.git("commit", "-q", "-m", message)
        self.git("push", "-q", "origin", branch)
        commit = self.git("rev-parse", "HEAD")
        self.git("checkout", "-q", "main")
        return commit

    def cdktf(self, verb: str, *stacks: str, environment: Mapping[str, str], timeout: float = 300) -> str:
        """Runs a cdktf command as the README tells it."""
        approve = ["--auto-approve"] if verb in ("deploy", "destroy") else []
        return run(
            ["node_modules/.bin/cdktf", verb, *stacks, *approve, "--skip-provider-lock"],
            self.path,
            environment,
            timeout,
        )

    def _has(self, branch: str) -> bool:
        found = subprocess.run(["git", "rev-parse", "-q", "--verify", branch], cwd=self.path, capture_output=True)
        return found.returncode == 0


def run(command: list[str], cwd: Path, environment: Mapping[str, str], timeout: float = 300) -> str:
    """Runs a command to its end and returns all that it printed; raises CommandFailed with that."""
    path = f"{ROOT / '.venv/bin'}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **_IDENTITY, "PATH": path, "CI": "1", **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
    )
    if done.returncode != 0:
        raise CommandFailed(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def _files_of_the_work_tree() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [name for name in listed.split("\0") if name and (ROOT / name).exists()]
