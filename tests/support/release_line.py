"""The release line as its users work it: `branchline` commands in a clone, merges of pull requests at its remote."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.workspace.launch import Running
from tests.support.clone import ROOT, Clone
from tests.support.deployment import QUIET

# The clone's own command, not the installed one, which is of the work tree that these tests came from.
_COMMAND = "import sys; sys.path.insert(0, '.'); sys.argv[0] = 'branchline'; from ci.main import main; main()"


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    def __str__(self) -> str:
        return f"exit code {self.code}\n{self.out}\n{self.err}"


@dataclass
class ReleaseLine:
    """A clone and the workspace that it deploys to; `author` commits."""

    clone: Clone
    workspace: Running
    author: tuple[str, str] = ("Ada Author", "ada@example.com")
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        return self.clone.path

    def branchline(self, *arguments: str, expect: int = 0, **more: str) -> Said:
        """Runs a command in the clone and holds its exit code against the expected one."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("DATABRICKS_", "TF_VAR_"))}
        done = subprocess.run(
            [str(ROOT / ".venv/bin/python"), "-c", _COMMAND, *arguments],
            cwd=self.root,
            env={
                **kept, **QUIET, "CI": "1", "BRANCHLINE_DATA_DIR": str(self.workspace.data_dir),
                "PATH": f"{ROOT / '.venv/bin'}{os.pathsep}{kept['PATH']}", **self._identity(), **self.variables, **more,
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )  # fmt: skip
        said = Said(done.returncode, done.stdout, done.stderr)
        assert said.code == expect, f"branchline {' '.join(arguments)}: {said}"
        return said

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.root,
            env={**os.environ, **self._identity()},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr}"
        return done.stdout.strip()

    def commit_on(self, branch: str, files: Mapping[str, str], message: str, *, base: str = "main") -> str:
        """A new branch with one commit, pushed and checked out."""
        self.git("checkout", "-q", "-B", branch, base)
        for name, text in files.items():
            (self.root / name).write_text(text)
            self.git("add", name)
        self.git("commit", "-q", "-m", message)
        self.git("push", "-q", "-f", "origin", branch)
        return self.git("rev-parse", "HEAD")

    def merge(self, branch: str, number: int, title: str) -> str:
        """Merges a pull request into main as GitHub does, and checks main out."""
        self.git("checkout", "-q", "main")
        subject = f"Merge pull request #{number} from team/{branch}"
        self.git("merge", "-q", "--no-ff", "-m", subject, "-m", title, branch)
        self.git("push", "-q", "origin", "main")
        return self.git("rev-parse", "HEAD")

    def checkout_release(self) -> str:
        """The release branch as it stands at the remote."""
        self.git("fetch", "-q", "origin")
        self.git("checkout", "-q", "-B", "release", "origin/release")
        return self.git("rev-parse", "HEAD")

    def champion(self, environment: str) -> str | None:
        """The champion's version."""
        path = f"/api/2.1/unity-catalog/models/{environment}.hrob.risk?include_aliases=true"
        aliases: list[dict[str, Any]] = self.workspace.call("GET", path).get("aliases", [])
        return next((str(each["version_num"]) for each in aliases if each["alias_name"] == "champion"), None)

    def _identity(self) -> dict[str, str]:
        name, mail = self.author
        return {
            "GIT_AUTHOR_NAME": name, "GIT_AUTHOR_EMAIL": mail, "GIT_COMMITTER_NAME": name, "GIT_COMMITTER_EMAIL": mail,
        }  # fmt: skip
