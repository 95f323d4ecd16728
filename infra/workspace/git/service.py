"""Git folders (Repos): clones that are objects of the workspace tree; `credentials` holds the logins."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from infra.workspace.config import WorkspaceConfig
from infra.workspace.gateway.errors import AlreadyExists, BadRequest, NotFound
from infra.workspace.git import checkout
from infra.workspace.git.command import Git, Login
from infra.workspace.git.credentials import GitCredentials, known_provider
from infra.workspace.git.tree import TreeNode, WorkspaceTree
from infra.workspace.identity.permissions import Permissions
from infra.workspace.identity.principal import Principal
from infra.workspace.identity.service import IdentityService
from infra.workspace.secrets.vault import Vault
from infra.workspace.store.database import Store

_SCHEMA = """
CREATE TABLE IF NOT EXISTS repos (
    id INTEGER PRIMARY KEY,
    url TEXT NOT NULL,
    provider TEXT NOT NULL,
    folder TEXT NOT NULL UNIQUE,
    branch TEXT,
    head_commit TEXT NOT NULL,
    patterns TEXT);
"""


class GitService:
    """A repo's id is its object id in the tree, so that permissions and paths are the tree's."""

    def __init__(
        self,
        store: Store,
        identity: IdentityService,
        permissions: Permissions,
        vault: Vault,
        files: WorkspaceTree,
        config: WorkspaceConfig,
    ) -> None:
        self._store = store
        self._permissions = permissions
        self._files = files
        self._git = Git(config.repos)
        self._folders = config.folder("repos")
        self.credentials = GitCredentials(store, identity, vault)
        store.schema("git", _SCHEMA)
        files.before_removal("REPO", lambda principal, node: self._drop(node.object_id))
        self._sweep()

    def create_repo(self, principal: Principal, body: Mapping[str, Any]) -> dict[str, Any]:
        """Clones `url` to `path` (by default a folder of the caller's under /Repos)."""
        url, provider = _checked_url(body.get("url")), str(body.get("provider", ""))
        known_provider(provider)
        path = self._place(principal, body.get("path"), url)
        patterns = list((body.get("sparse_checkout") or {}).get("patterns") or [])
        login = self._login(principal, provider, body.get("git_credential_id"))
        folder = self._folders / uuid.uuid4().hex
        try:
            head = checkout.clone(self._git, url, folder, patterns, login)
            with self._store.write() as connection:
                node = self._files.add(principal, path, "REPO")
                connection.execute(
                    "INSERT INTO repos VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (
                        node.object_id,
                        url,
                        provider,
                        folder.name,
                        head.branch,
                        head.commit,
                        json.dumps(patterns) if patterns else None,
                    ),
                )
                self._show(principal, node, folder)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return self._info(self._row(node.object_id), node)

    def get_repo(self, principal: Principal, repo_id: str) -> dict[str, Any]:
        node, row = self._require(principal, repo_id, "CAN_READ")
        return self._info(row, node)

    def list_repos(self, principal: Principal, path_prefix: str | None = None) -> dict[str, Any]:
        """The repos that the caller manages, in one page."""
        prefix = (path_prefix or "").removeprefix("/Workspace")
        found = []
        for row in self._store.rows("SELECT * FROM repos ORDER BY id"):
            node = self._files.tree.find_id("REPO", row["id"])
            if node is not None and node.path.startswith(prefix) and self._manages(principal, row["id"]):
                found.append(self._info(row, node))
        return {"repos": found}

    def update_repo(self, principal: Principal, repo_id: str, body: Mapping[str, Any]) -> None:
        """Another branch (its newest commit) or tag, or other patterns of a sparse checkout."""
        node, row = self._require(principal, repo_id, "CAN_MANAGE")
        branch, tag, sparse = body.get("branch"), body.get("tag"), body.get("sparse_checkout")
        if (branch and tag) or not (branch or tag or sparse):
            raise BadRequest("an update takes a branch, a tag or a sparse_checkout")
        folder = self._folders / row["folder"]
        login = self._login(principal, row["provider"], body.get("git_credential_id"))
        patterns = row["patterns"]
        if sparse:
            if patterns is None:
                raise BadRequest("sparse checkout is not enabled for the repo")
            patterns = json.dumps(list(sparse.get("patterns") or []))
            checkout.narrow(self._git, folder, json.loads(patterns))
        head = checkout.head(self._git, folder)
        if branch:
            head = checkout.switch_to_branch(self._git, folder, str(branch), login)
        elif tag:
            head = checkout.switch_to_tag(self._git, folder, str(tag), login)
        with self._store.write() as connection:
            connection.execute(
                "UPDATE repos SET branch = ?, head_commit = ?, patterns = ? WHERE id = ?",
                (head.branch, head.commit, patterns, row["id"]),
            )
            self._show(principal, node, folder)

    def delete_repo(self, principal: Principal, repo_id: str) -> None:
        node, _ = self._require(principal, repo_id, "CAN_MANAGE")
        self._files.delete(principal, node.path, recursive=True)

    def _show(self, principal: Principal, repo: TreeNode, folder: Path) -> None:
        """Makes the tree below a repo equal to its clone; objects that stay keep their ids."""
        current: set[int] = set()
        for relative, data in checkout.files(folder):
            path = f"{repo.path}/{relative}"
            present = self._files.tree.find(path)
            if present is not None and present.object_type == "DIRECTORY":
                self._files.delete(principal, path, recursive=True)
            self._files.mkdirs(principal, path.rpartition("/")[0])
            current.add(self._imported(principal, path, data))
        for node in self._files.tree.below(repo.path):
            empty = node.object_type == "DIRECTORY" and not self._files.tree.below(node.path)
            if empty or (node.object_type != "DIRECTORY" and node.object_id not in current):
                self._files.delete(principal, node.path, recursive=False)

    def _imported(self, principal: Principal, path: str, data: bytes) -> int:
        try:
            return int(self._files.import_file(principal, path, data, overwrite=True)["object_id"])
        except BadRequest:
            # A file became a notebook or the other way round: one cannot replace the other.
            for name in {path, path.rpartition(".")[0]}:
                if self._files.tree.find(name) is not None:
                    self._files.delete(principal, name, recursive=False)
            return int(self._files.import_file(principal, path, data, overwrite=True)["object_id"])

    def _place(self, principal: Principal, given: Any, url: str) -> str:
        path = str(given or "").removeprefix("/Workspace").rstrip("/")
        if not path:
            name = urlsplit(url).path.rstrip("/").rpartition("/")[2].removesuffix(".git")
            path = f"/Repos/{principal.name}/{name}"
            self._files.mkdirs(principal, f"/Repos/{principal.name}")
        if path.startswith("/Repos/") and len(path.split("/")) != 4:
            raise BadRequest(f"a path under /Repos has the form /Repos/<directory>/<repo>, not {path}")
        self._files.require_parent(principal, path)
        if self._files.tree.find(path) is not None:
            raise AlreadyExists(f"Path ({path}) already exists.")
        return path

    def _login(self, principal: Principal, provider: str, credential_id: Any) -> Login | None:
        return self.credentials.login(principal, provider, int(credential_id) if credential_id else None)

    def _require(self, principal: Principal, repo_id: str, level: str) -> tuple[TreeNode, sqlite3.Row]:
        node = self._files.tree.find_id("REPO", int(repo_id)) if re.fullmatch(r"\d{1,18}", repo_id) else None
        if node is None:
            raise NotFound(f"Repo {repo_id} could not be found.")
        self._permissions.require(principal, "repos", repo_id, level)
        return node, self._row(node.object_id)

    def _row(self, repo_id: int) -> sqlite3.Row:
        row = self._store.row("SELECT * FROM repos WHERE id = ?", (repo_id,))
        if row is None:
            raise NotFound(f"Repo {repo_id} could not be found.")
        return row

    def _manages(self, principal: Principal, repo_id: int) -> bool:
        return self._permissions.allows(principal, "repos", str(repo_id), "CAN_MANAGE")

    def _info(self, row: sqlite3.Row, node: TreeNode) -> dict[str, Any]:
        info: dict[str, Any] = {
            "id": row["id"],
            "url": row["url"],
            "provider": row["provider"],
            "path": node.path,
            "branch": row["branch"],
            "head_commit_id": row["head_commit"],
        }
        if row["patterns"] is not None:
            info["sparse_checkout"] = {"patterns": json.loads(row["patterns"])}
        return {key: value for key, value in info.items() if value is not None}

    def _drop(self, repo_id: int) -> None:
        row = self._store.row("SELECT folder FROM repos WHERE id = ?", (repo_id,))
        if row is not None:
            with self._store.write() as connection:
                connection.execute("DELETE FROM repos WHERE id = ?", (repo_id,))
            shutil.rmtree(self._folders / row["folder"], ignore_errors=True)

    def _sweep(self) -> None:
        """Deletes clones that no repo has: what a kill while cloning left."""
        kept = {row["folder"] for row in self._store.rows("SELECT folder FROM repos")}
        for folder in self._folders.iterdir():
            if folder.name not in kept:
                shutil.rmtree(folder, ignore_errors=True)


def _checked_url(url: Any) -> str:
    parts = urlsplit(str(url or ""))
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadRequest(f"url is an http or https address of a git repository, not {url!r}")
    if parts.username or parts.password:
        raise BadRequest("url carries a login: make a git credential instead")
    return str(url)
