"""A small project with a bare remote, whose main grows by pull requests."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from ci.deployments.record import Deployment
from ci.release.cut import Cut, Proof, prepare, publish
from ci.release.ledger import releases
from ci.release.line import Line, load_line
from ci.release.objects import write_commit
from ci.release.remote import Remote
from ci.repository import git

BRANCHES = ("main", "release")


class Project:
    """A clone and its remote; `release` begins as main does, as where a project is set up."""

    def __init__(self, folder: Path, name: str = "clone") -> None:
        self.path, self.remote = folder / name, folder / "remote.git"
        self.line: Line = load_line()
        if not self.remote.exists():
            git(folder, "init", "--quiet", "--bare", "--initial-branch", "main", str(self.remote))
        git(folder, "clone", "--quiet", str(self.remote), str(self.path))
        for key, value in {"user.name": "An Engineer", "user.email": "engineer@example.com"}.items():
            git(self.path, "config", key, value)

    @classmethod
    def copy(cls, template: Path, folder: Path) -> Project:
        """A copy of a project and its remote."""
        shutil.copytree(template, folder)
        copied = cls.__new__(cls)
        copied.path, copied.remote, copied.line = folder / "clone", folder / "remote.git", load_line()
        git(copied.path, "remote", "set-url", "origin", str(copied.remote))
        return copied

    def begin(self) -> str:
        """The first commit, on both branches."""
        first = self.commit({"ml_code/step.py": "version = 0\n", "CHANGELOG.md": "# Changelog\n\n## Unreleased\n"})
        git(self.path, "push", "--quiet", "origin", "main:release")
        return first

    def commit(self, files: Mapping[str, str], message: str = "A change", branch: str = "main") -> str:
        """Commits files on top of what the remote has, and pushes."""
        git(self.path, "fetch", "--quiet", "origin")
        tip = Remote.ask(self.path, "origin", [branch]).branch(branch)
        git(self.path, "checkout", "--quiet", "-B", branch, *([tip] if tip else []))
        for name, text in files.items():
            (self.path / name).parent.mkdir(parents=True, exist_ok=True)
            (self.path / name).write_text(text)
        git(self.path, "add", "--all")
        git(self.path, "commit", "--quiet", "--message", message)
        git(self.path, "push", "--quiet", "origin", branch)
        return git(self.path, "rev-parse", "HEAD")

    def merge_pull_request(self, number: int, title: str, files: Mapping[str, str]) -> str:
        """As GitHub merges one; the branch's own commit is the merge's second parent."""
        git(self.path, "checkout", "--quiet", "-B", f"feature/{number}", "origin/main")
        for name, text in files.items():
            (self.path / name).parent.mkdir(parents=True, exist_ok=True)
            (self.path / name).write_text(text)
        git(self.path, "add", "--all")
        git(self.path, "commit", "--quiet", "--message", "wip")
        git(self.path, "checkout", "--quiet", "-B", "main", "origin/main")
        message = f"Merge pull request #{number} from team/feature/{number}\n\n{title}"
        git(self.path, "merge", "--quiet", "--no-ff", "--message", message, f"feature/{number}")
        git(self.path, "push", "--quiet", "origin", "main")
        return git(self.path, "rev-parse", "HEAD")

    def ask(self) -> Remote:
        return Remote.ask(self.path, "origin", BRANCHES)

    def prepare(self, tag: str | None = None) -> Cut:
        """A cut of main as it is, which is green."""
        remote = self.ask()
        return prepare(remote, self.line, Proof(green(remote.branch("main") or "")), tag=tag)

    def cut(self, tag: str | None = None) -> Cut:
        prepared = self.prepare(tag)
        publish(self.ask(), self.line, prepared)
        return prepared

    def roll_back(self, tag: str) -> str:
        """A commit on release that restores the tag's tree."""
        remote = self.ask()
        before = remote.branch("release") or ""
        restored = write_commit(self.path, self.tree(tag), [before], f"Roll back to {tag}\n")
        remote.push({"refs/heads/release": restored})
        return restored

    def tree(self, revision: str) -> str:
        return git(self.path, "rev-parse", f"{revision}^{{tree}}")

    def refs(self) -> dict[str, str]:
        """All that the remote has."""
        listed = git(self.path, "ls-remote", "origin").splitlines()
        return {ref: hash for hash, ref in (line.split("\t") for line in listed)}

    def tags(self) -> list[str]:
        return [release.tag for release in releases(self.ask())]


def green(commit: str, **changes: object) -> Deployment:
    """A deployment to staging that went well, but for the changes."""
    facts: dict[str, object] = {
        "id": f"20261120T110000Z-{commit[:8]}",
        "project": "hrob",
        "environment": "staging",
        "state": "applied",
        "commit": commit,
        "branch": "main",
        "stacks": {},
        "ml_code_digest": "0" * 40,
        "digest": "1" * 64,
        "plan_digest": "2" * 64,
        "started_at": "2026-11-20T11:00:00Z",
        "by": "branchline-staging",
    }
    return Deployment.model_validate(facts | changes)
